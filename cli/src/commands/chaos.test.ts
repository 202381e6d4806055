import { join } from "node:path";
import { FaultEvent } from "@operator/contracts/chaos";
import { flow } from "@operator/contracts/flow";
import { Program } from "@operator/stack/program";
import { root } from "@operator/stack/servers";
import { type SupervisedMembers, superviseMembers } from "@operator/supervisor/members.fixture";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { z } from "zod";
import { Loop } from "../cli.fixture.ts";

// A real chaos over real processes, with the faults of its own example.
let loop: Loop;
let supervised: SupervisedMembers;
let chaos: Program;
beforeAll(async () => {
  [loop, supervised] = await Promise.all([
    Loop.start(),
    superviseMembers({ targets: ["member-a", "member-b", "member-c"] }),
  ]);
  const { cli } = loop.nats.passwords;
  loop.desk.writeContext({ url: loop.nats.url, passwords: { cli }, subjects: ["example"] });
  chaos = await Program.start({
    name: "chaos-1",
    file: process.execPath,
    arguments: [join(root, "services", "chaos", "src", "example-chaos.fixture.ts")],
    environment: {
      OPERATOR_NATS_URL: loop.nats.url,
      OPERATOR_NATS_PASSWORD: loop.nats.passwords.chaos,
      OPERATOR_INSTANCE: "chaos-1",
      OPERATOR_SUPERVISOR_SOCKET: supervised.supervisor.sockets.chaos,
      EXAMPLE_FOLDER: supervised.folder,
    },
    logFile: join(loop.desk.root, "chaos.log"),
    ready: { line: '"msg":"ready"' },
  });
}, 30_000);
afterEach(async () => {
  await run("resume");
  await run("halt");
  await run("resume");
});
afterAll(async () => {
  await chaos.stop();
  await supervised[Symbol.asyncDispose]();
  await loop[Symbol.asyncDispose]();
});

const run = (...argv: string[]) => loop.run(["chaos", ...argv]);
const Events = z.array(z.looseObject({ phase: z.string().optional(), id: z.string().optional() }));
const eventsOf = (out: string) =>
  Events.parse(
    out
      .split("\n")
      .filter((line) => line !== "")
      .map((line): unknown => JSON.parse(line)),
  );
const phases = (out: string) => eventsOf(out).flatMap(({ phase }) => phase ?? []);
const stateOf = async (target: string) =>
  (await supervised.chaos.list()).find((member) => member.target === target)?.state;
const error = (text: string) =>
  z.object({ error: z.looseObject({ code: z.string(), message: z.string() }) }).parse(JSON.parse(text)).error;

test("a fault is made, proved and ended: each of its events as it comes", async () => {
  const ended = await run("inject", "pause_member", "member-a", "--ttl", "60s", "--json");
  expect(ended).toMatchObject({ code: 0, err: "" });
  expect(phases(ended.out)).toEqual(["injecting", "injected", "proved"]);
  expect(await stateOf("member-a")).toBe("paused");
  const [{ id = "" } = {}] = eventsOf(ended.out);
  expect(eventsOf(ended.out)[0]).toMatchObject({ by: "ada", ttlMs: 60_000, target: "member-a" });

  const near = await run("revert", `${id.slice(0, -1)}-`, "--json");
  expect(near).toMatchObject({ code: 66, out: "" });
  expect(error(near.err).message).toContain(`did you mean "${id}"?`);
  const reverted = await run("revert", id, "--json");
  expect(reverted).toMatchObject({ code: 0, err: "" });
  expect(phases(reverted.out)).toEqual(["reverting", "reverted"]);
  expect(await stateOf("member-a")).toBe("running");
  expect(error((await run("revert", id, "--json")).err)).toMatchObject({
    code: "FAULT_UNKNOWN",
    message: expect.stringContaining("is over"),
  });
});

test("a dry run only says what would be done", async () => {
  const ended = await run("inject", "kill_member", "member-a", "--dry-run");
  expect(ended).toMatchObject({ code: 0, err: "" });
  expect(ended.out).toMatch(/planned +A member is killed: kill_member of member-a for 2000 ms\n$/);
  expect(await stateOf("member-a")).toBe("running");
});

test("parameters are JSON or text, and chaos' refusals come with its own code", async () => {
  const ended = await run("inject", "mark_member", "member-b", "--param", "text=so be it", "--json");
  expect(ended).toMatchObject({ code: 0, err: "" });
  expect(eventsOf(ended.out)[0]).toMatchObject({ parameters: { text: "so be it" } });
  for (const [argv, code, says] of [
    [["mark_member", "member-c", "--param", "text=7"], "BAD_PARAMETERS", '{"text":7}'],
    [["kill_membr", "member-c"], "FAULT_UNKNOWN", 'did you mean "kill_member"?'],
    [["kill_member", "member-x"], "TARGET_UNKNOWN", "member-a, member-b, member-c"],
    [["mark_member", "member-b"], "FAULT_RUNNING", "mark_member"],
  ] as const) {
    const refused = await run("inject", ...argv, "--json");
    expect(refused.code, code).toBe(3);
    expect(error(refused.err)).toMatchObject({ code, message: expect.stringContaining(says) });
  }
});

test("what breaks the quorum is refused unless forced", async () => {
  expect(await run("inject", "kill_member", "member-a", "--ttl", "60s")).toMatchObject({ code: 0 });
  const refused = await run("inject", "kill_member", "member-b", "--json");
  expect(refused.code).toBe(3);
  expect(error(refused.err)).toMatchObject({ code: "QUORUM" });
  expect(await stateOf("member-b")).toBe("running");
  expect(await run("inject", "kill_member", "member-b", "--force", "--ttl", "60s")).toMatchObject({ code: 0, err: "" });
  expect(await stateOf("member-b")).toBe("stopped");
});

test("a fault without an effect ends as failed", { timeout: 20_000 }, async () => {
  const ended = await run("inject", "idle_member", "member-c", "--ttl", "60s", "--json");
  expect(ended.code).toBe(8);
  expect(phases(ended.out)).toEqual(["injecting", "injected", "failed"]);
  expect(error(ended.err)).toMatchObject({ code: "ENDED_OTHERWISE", why: "NO_EFFECT" });
});

test("halt reverts all that runs and refuses new faults until resumed", async () => {
  await run("inject", "pause_member", "member-a", "--ttl", "60s");
  const halted = await run("halt", "--reason", "visitors");
  expect(halted).toMatchObject({ code: 0, err: "" });
  expect(halted.out).toMatch(
    /^✖ halted by ada, .*: visitors; operator chaos resume lifts it\n[^]*reverted[^]*✓ nothing runs\n$/,
  );
  expect(await stateOf("member-a")).toBe("running");
  const refused = await run("inject", "pause_member", "member-a", "--json");
  expect(error(refused.err)).toMatchObject({ code: "HALTED" });
  expect(await run("resume", "--by", "grace")).toMatchObject({
    code: 0,
    out: expect.stringContaining("✓ not halted, by grace"),
  });
  expect(await run("inject", "pause_member", "member-a")).toMatchObject({ code: 0, err: "" });
});

test("the list has what a room offers, with targets and times, and what runs now", async () => {
  const journal = await loop.as("chaos");
  const say = (id: string, phase: FaultEvent["phase"]) =>
    journal.publish(
      flow.fault,
      FaultEvent.parse({
        id,
        subject: "ratelimiter",
        fault: "kill_node",
        target: "node-a",
        phase,
        atMs: Date.now(),
        by: "grace",
        parameters: {},
        ttlMs: 60_000,
        endsAtMs: Date.now() + 60_000,
        text: "",
      }),
    );
  for (const [id, phase] of [
    ["over", "injecting"],
    ["over", "reverted"],
    ["refused", "refused"],
    ["runs", "injecting"],
    ["runs", "proved"],
  ] as const)
    await say(id, phase);
  const List = z.object({
    faults: z.array(z.looseObject({ fault: z.string(), targets: z.array(z.string()) })),
    running: z.array(z.object({ began: z.looseObject({ id: z.string() }), isProved: z.boolean() })),
    lever: z.looseObject({ halted: z.literal(false) }),
  });
  const { faults, running } = List.parse(JSON.parse((await run("list", "--subject", "ratelimiter", "--json")).out));
  expect(faults.find(({ fault }) => fault === "kill_node")?.targets).toEqual(["node-a", "node-b", "node-c"]);
  expect(running).toMatchObject([{ began: { id: "runs" }, isProved: true }]);
  const page = (await run("list", "--subject", "ratelimiter")).out;
  await say("runs", "reverted");
  expect(page).toMatch(/^Runs now\n {2}kill_node node-a {2}proved\n/);
  expect(page).toMatch(/kill_node +\d+ \w+, at most /);
});

test("without chaos it says so after a while; the command is queued", { timeout: 30_000 }, async () => {
  await using alone = await Loop.start();
  const [injected, halted] = await Promise.all([
    alone.run(["chaos", "inject", "kill_member", "member-a"]),
    alone.run(["chaos", "halt"]),
  ]);
  expect(injected).toMatchObject({ code: 4, out: "", err: expect.stringContaining("no chaos answered within 10 s") });
  expect(halted).toMatchObject({ code: 4, out: "" });
  expect(halted.err.replaceAll(/\s+/g, " ")).toContain("chaos is still not halted");
});

test.for([
  [["inject", "Kill", "member-a"], "can't be the name of a fault"],
  [["inject", "kill_member", ""], "can't be the name of a target"],
  [["inject", "kill_member", "member-a", "--ttl", "11m"], "10 min"],
  [["inject", "kill_member", "member-a", "--param", "text"], "key=value is wanted"],
  [["inject", "kill_member", "member-a", "--subject", "exampl"], 'did you mean "example"?'],
] as const)("%j is refused before it's sent", async ([argv, says]) => {
  expect(await run(...argv)).toMatchObject({ code: 64, err: expect.stringContaining(says) });
});
