import { startProvisionedNats } from "@operator/stack/nats-server";
import { expect, test } from "vitest";
import { connectAs, until } from "./bus.fixture.ts";
import { BusError, ConnectionLost } from "./failure.ts";

test.for([false, true])(
  "a request fails when the connection goes away, not after its timeout (own inbox: %s)",
  { timeout: 30_000 },
  async (ownInbox) => {
    await using server = await startProvisionedNats();
    await using bus = await connectAs(server, "provision");
    await server.kill("SIGSTOP");
    const asking = bus.link.ask("$JS.API.STREAM.INFO.JOBS", "", { timeoutMs: 600_000, ownInbox });
    asking.catch(() => {});
    await server.kill();
    await expect(asking).rejects.toBeInstanceOf(ConnectionLost);
  },
);

test("trying goes on over a bus that is away, and is logged when it takes long", { timeout: 60_000 }, async () => {
  await using server = await startProvisionedNats();
  const words: string[] = [];
  await using bus = await connectAs(server, "provision", { log: ({ msg }) => words.push(msg) });
  let tries = 0;
  const trying = bus.link.insist("try", async () => {
    tries++;
    if (tries < 10) throw new ConnectionLost();
    return "done";
  });
  await until(() => words.includes("still trying"));
  await server.kill();
  await until(() => !bus.connected());
  await server.restart();
  expect(await trying).toBe("done");
});

test("what can't pass isn't tried again", async () => {
  await using server = await startProvisionedNats();
  await using bus = await connectAs(server, "provision");
  let tries = 0;
  const trying = bus.link.insist("try", async () => {
    tries++;
    throw new BusError("BAD_VALUE", "it stays bad");
  });
  await expect(trying).rejects.toMatchObject({ code: "BAD_VALUE" });
  expect(tries).toBe(1);
});

test("who waits for the bus without an end hears when it's back, and not that it gave up", async () => {
  await using server = await startProvisionedNats();
  await using bus = await connectAs(server, "provision");
  await server.kill();
  await until(() => !bus.connected());
  const waiting = bus.link.up(Infinity).then(() => bus.connected());
  waiting.catch(() => {});
  await server.restart();
  expect(await waiting).toBe(true);
});
