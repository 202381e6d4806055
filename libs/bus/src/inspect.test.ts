import { InstanceName } from "@operator/contracts/names";
import { startNats } from "@operator/stack/nats-server";
import { expect, test } from "vitest";
import { Bus } from "./bus.ts";
import { inspect, isStored } from "./inspect.ts";
import { provision } from "./provision.ts";

test("what is missing, as planned or different is told apart, and only what the user may ask about is looked at", async () => {
  await using server = await startNats();
  const connect = (user: "provision" | "cli" | "diagnoser") =>
    Bus.connect({
      servers: server.url,
      user,
      password: server.passwords[user],
      instance: InstanceName.parse(`${user}-1`),
    });
  await using admin = await connect("provision");
  const statesOf = async (bus: Bus) => new Map((await inspect(bus)).map(({ name, state }) => [name, state]));
  expect(new Set((await statesOf(admin)).values())).toEqual(new Set(["missing"]));

  expect(await isStored(admin, "TICKETS")).toBe(false);
  await provision(admin);
  expect(await isStored(admin, "TICKETS")).toBe(true);
  const planned = await inspect(admin);
  expect(new Set(planned.map(({ state }) => state))).toEqual(new Set(["as planned"]));
  expect(new Set(planned.map(({ kind }) => kind))).toEqual(new Set(["stream", "bucket", "worker"]));

  await admin.link.api.streams.update("DEAD", { max_bytes: 4096 });
  expect((await inspect(admin)).filter(({ state }) => state !== "as planned")).toEqual([
    { kind: "stream", name: "DEAD", state: "different", differences: [expect.stringContaining("max_bytes is 4096")] },
  ]);

  await using cli = await connect("cli");
  expect((await statesOf(cli)).get("DEAD")).toBe("different");
  await using diagnoser = await connect("diagnoser");
  const seen = await statesOf(diagnoser);
  expect(seen.get("EVIDENCE")).toBe("as planned");
  expect(seen.has("DEAD"), "a diagnoser may not ask about dead letters").toBe(false);
});
