import { join } from "node:path";
import type { Bus } from "@operator/bus/bus";
import { flow } from "@operator/contracts/flow";
import { Ticket } from "@operator/contracts/ticket";
import { Program } from "@operator/stack/program";
import { root } from "@operator/stack/servers";
import { afterAll, beforeAll, expect, test } from "vitest";
import { z } from "zod";
import { propose } from "../actuator.fixture.ts";
import { Loop, until } from "../cli.fixture.ts";
import { ticket, violation } from "../samples.fixture.ts";

// A real actuator answers what the command signs; the test only stores what the rest of the loop would have.
let loop: Loop;
let bus: Bus;
let actuator: Program;
let folder: string;
beforeAll(async () => {
  loop = await Loop.start();
  bus = await loop.as("actuator");
  folder = join(loop.desk.root, "keys");
  for (const argv of [["ada", "--mode", "--risks", "low,medium"], ["grace"]])
    await loop.run(["keys", "new", "--folder", folder, "--name", ...argv]);
  actuator = await startActuator();
}, 30_000);
afterAll(async () => {
  await actuator.stop();
  await loop[Symbol.asyncDispose]();
});

function startActuator(): Promise<Program> {
  return Program.start({
    name: "actuator",
    file: process.execPath,
    arguments: [join(root, "services", "actuator", "src", "main.ts")],
    environment: {
      OPERATOR_NATS_URL: loop.nats.url,
      OPERATOR_NATS_PASSWORD: loop.nats.passwords.actuator,
      OPERATOR_INSTANCE: "actuator-1",
      OPERATOR_APPROVERS_FILE: join(folder, "approvers.json"),
      OPERATOR_HTTP_PORT: "0",
    },
    logFile: join(loop.desk.root, "actuator.log"),
    ready: { line: '"msg":"ready"' },
  });
}

const idOf = (target: string) => `ratelimiter.node_down.${target}.1.1.1`;
/** An action that is still worth doing: its violation fires, its ticket is open. */
async function proposed(target: string, given: { risk?: "medium" } = {}): Promise<void> {
  const firing = violation({ target });
  await (await loop.as("checker")).publish(flow.violation, firing);
  const tickets = await (await loop.as("ticketer")).bucket("tickets", Ticket);
  const id = `ratelimiter.node_down.${target}.1`;
  await tickets.create(`ratelimiter.node_down.${target}`, ticket({ id, target, violation: firing }));
  await propose(bus, { id: idOf(target), ...given });
}

const keyOf = (name: string) => join(folder, `${name}.pem`);
const say = (word: string, target: string, name = "ada") =>
  loop.run(["actions", word, idOf(target), "--key", keyOf(name), "--json"]);
const codeOf = (err: string) =>
  z.object({ error: z.looseObject({ code: z.string() }) }).parse(JSON.parse(err)).error.code;

test("while the mode is observe, an approval is refused and a rejection accepted", async () => {
  await proposed("observe");
  const refused = await say("approve", "observe");
  expect(refused).toMatchObject({ code: 3, out: "" });
  expect(codeOf(refused.err)).toBe("MODE_OBSERVE");
  const rejected = await say("reject", "observe", "grace");
  expect(rejected).toMatchObject({ code: 0, err: "" });
  expect(JSON.parse(rejected.out)).toMatchObject({ by: "grace", action: idOf("observe") });
  expect((await loop.run(["actions", "show", idOf("observe")])).out).toContain("✖ rejected");
});

test("in mode execute it's accepted from who may approve that risk, and the audit has all of it", async () => {
  await proposed("execute", { risk: "medium" });
  await loop.run(["mode", "execute", "--key", keyOf("ada"), "--for", "10m"]);
  // At the same time: each hears of its own statement.
  const [notAllowed, accepted] = await Promise.all([say("approve", "execute", "grace"), say("approve", "execute")]);
  expect(codeOf(notAllowed.err)).toBe("RISK_NOT_ALLOWED");
  expect(accepted).toMatchObject({ code: 0, err: "" });
  const { statement } = z.object({ statement: z.string() }).parse(JSON.parse(accepted.out));
  const proved = await loop.run(["audit", "show", statement, "--json"]);
  expect(JSON.parse(proved.out)).toMatchObject({ entries: [{ what: "approval_accepted", by: "ada" }] });
  const changed = await until("the change of the mode is in the audit", async () =>
    (await loop.run(["audit", "list"])).out.includes("mode_changed") ? true : undefined,
  );
  expect(changed).toBe(true);
});

test("after the kill switch what was approved before isn't, and execute by a key without that right doesn't count", async () => {
  await proposed("killed");
  await loop.run(["mode", "execute", "--key", keyOf("ada"), "--for", "10m"]);
  expect(await loop.run(["kill-switch"])).toMatchObject({ code: 0 });
  expect(codeOf((await say("approve", "killed")).err)).toBe("MODE_OBSERVE");
  await loop.run(["mode", "execute", "--key", keyOf("grace"), "--for", "10m"]);
  expect(codeOf((await say("approve", "killed")).err)).toBe("MODE_NOT_ALLOWED");
  const shown = await loop.run(["mode", "show", "--approvers", join(folder, "approvers.json")]);
  expect(shown.out.replaceAll(/\s+/g, " ")).toContain("execute doesn't count: grace may not change the mode");
});

test("every change of the mode is in the audit, also those of which no actuator was alive", async () => {
  await actuator.stop();
  await loop.run(["mode", "execute", "--key", keyOf("ada"), "--reason", "first"]);
  await loop.run(["kill-switch", "--reason", "second"]);
  await loop.run(["mode", "execute", "--key", keyOf("ada"), "--reason", "third"]);
  await loop.run(["kill-switch", "--reason", "fourth", "--by", "grace"]);
  const Listed = z.object({ entries: z.array(z.looseObject({ what: z.string(), by: z.string(), text: z.string() })) });
  const changes = async () => {
    const { entries } = Listed.parse(JSON.parse((await loop.run(["audit", "list", "--json"])).out));
    return entries.filter(({ what }) => what === "mode_changed").slice(-4);
  };
  actuator = await startActuator();
  const found = await until("the last change is in the audit", async () => {
    const listed = await changes();
    return listed.at(-1)?.text.endsWith("fourth") ? listed : undefined;
  });
  expect(found.map(({ text, by }) => `${text.replace(/\d+/, "n")} – ${by.replace(/[0-9a-f]{16}/, "k")}`)).toEqual([
    "execute, term n: first – key k",
    "observe, term n: second – ada",
    "execute, term n: third – key k",
    "observe, term n: fourth – grace",
  ]);
});
