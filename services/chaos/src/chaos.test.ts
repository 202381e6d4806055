import { writeFileSync } from "node:fs";
import { flow } from "@operator/contracts/flow";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { eventually, Lab, phasesOf } from "./chaos.fixture.ts";
import { fileOf } from "./example-faults.fixture.ts";

let lab: Lab;
beforeAll(async () => {
  lab = await Lab.open();
  await lab.chaos();
});
afterAll(async () => await lab[Symbol.asyncDispose]());

const whole = ["injecting", "injected", "proved", "reverted"];

test("plain JSON without headers kills a member for a time; its journal says when it began, took effect and ended", async () => {
  await lab.say({ subject: "example", fault: "kill_member", target: "member-a", ttlMs: 1_000 });
  await lab.obeyed();
  // Without an id it has the sequence of its command, the first one here.
  await lab.until("1", "proved");
  expect(await lab.stateOf("member-a")).toBe("stopped");
  const events = await lab.until("1", "reverted");
  expect(phasesOf(events)).toEqual(whole);
  expect(await lab.stateOf("member-a")).toBe("running");
  expect(events.map(({ by }) => by)).toEqual(Array(4).fill("unnamed"));
  const [began, injected, proved] = events;
  expect(injected?.endsAtMs).toBeGreaterThanOrEqual((began?.atMs ?? 0) + 1_000);
  expect(proved?.text).toBe("the supervisor says that member-a is stopped");
});

test("a dry run says what would be done, and does nothing", async () => {
  const command = { subject: "example", fault: "mark_member", target: "member-a", id: "dry" };
  await lab.say({ ...command, dryRun: true });
  const [planned, ...others] = await lab.until("dry", "planned");
  expect(others).toEqual([]);
  expect(planned?.text).toBe("A member is marked: mark_member of member-a for 2000 ms");
  expect(lab.count("member-a", "injections")).toBe(0);
  // Then for good, under the same id.
  await lab.say({ ...command, ttlMs: 1_000 });
  expect(phasesOf(await lab.until("dry", "reverted"))).toContain("proved");
});

test("a refusal is in the journal, with a code and the name that was meant, and nothing is done", async () => {
  await lab.say({ subject: "example", fault: "kill_membr", target: "member-a", id: "typo", by: "ann" });
  const [refused, ...others] = await lab.until("typo", "refused");
  expect(others).toEqual([]);
  expect(refused).toMatchObject({ code: "FAULT_UNKNOWN", by: "ann" });
  expect(refused?.text).toContain('did you mean "kill_member"?');
});

test.for([
  ["no JSON", "kill member-a", "BAD_JSON"],
  ["a field that isn't known", { subject: "example", fault: "kill_member", target: "a", tll: 1 }, "BAD_SCHEMA"],
  ["a revert of what never was", { revert: "never-was" }, "FAULT_UNKNOWN"],
] as const)("%s is a dead letter", async ([, command, code]) => {
  await lab.say(command);
  await lab.read(flow.dead, (letters) => letters.some((letter) => letter.code === code));
});

describe("a fault on an API", () => {
  test("is proved, and taken back when its time is over", async () => {
    const parameters = { text: "odd" };
    await lab.say({
      subject: "example",
      fault: "mark_member",
      target: "member-b",
      id: "api",
      parameters,
      ttlMs: 1_000,
    });
    const proved = (await lab.until("api", "proved")).at(-1);
    expect(proved).toMatchObject({ parameters, text: 'member-b is marked {"text":"odd"}' });
    const events = await lab.until("api", "reverted");
    expect(phasesOf(events)).toEqual(["injecting", "injected", "proved", "reverting", "reverted"]);
    expect(lab.isMarked("member-b")).toBe(false);
  });

  test("that shows no effect has failed, and is taken back", async () => {
    await lab.say({ subject: "example", fault: "idle_member", target: "member-c", id: "idle", ttlMs: 60_000 });
    const events = await lab.until("idle", "reverted");
    expect(phasesOf(events)).toEqual(["injecting", "injected", "failed", "reverting", "reverted"]);
    expect(events.find(({ phase }) => phase === "failed")?.code).toBe("NO_EFFECT");
    expect(lab.count("member-c", "reverts")).toBeGreaterThan(0);
  });

  test("that failed halfway is taken back", async () => {
    await lab.say({ subject: "example", fault: "half_mark_member", target: "member-c", id: "half", ttlMs: 60_000 });
    const events = await lab.until("half", "reverted");
    expect(phasesOf(events)).toEqual(["injecting", "failed", "reverting", "reverted"]);
    expect(events[1]).toMatchObject({ code: "FAULT_FAILED", text: "the API answered 500" });
    expect(lab.isMarked("member-c")).toBe(false);
  });

  test("that can't be taken back yet has failed, and is taken back when it can be", async () => {
    await lab.say({ subject: "example", fault: "stuck_mark_member", target: "member-c", id: "stuck", ttlMs: 1_000 });
    expect((await lab.until("stuck", "failed")).at(-1)).toMatchObject({ code: "REVERT_FAILED" });
    writeFileSync(fileOf(lab.supervised.folder, "member-c", "go"), "");
    expect(phasesOf(await lab.until("stuck", "reverted")).slice(-3)).toEqual(["reverting", "failed", "reverted"]);
    expect(lab.isMarked("member-c")).toBe(false);
  });

  test("that expires by itself has ended when it has, asked for or not", async () => {
    await lab.say({ subject: "example", fault: "fade_member", target: "member-c", id: "fade", ttlMs: 2_000 });
    await lab.until("fade", "proved");
    await lab.say({ revert: "fade", by: "bob" });
    const events = await lab.until("fade", "reverted");
    const endsAtMs = events.find(({ phase }) => phase === "injected")?.endsAtMs ?? 0;
    expect(events.at(-2)).toMatchObject({ phase: "reverting", by: "bob" });
    expect(events.at(-1)?.atMs).toBeGreaterThanOrEqual(endsAtMs);
    expect(lab.isMarked("member-c")).toBe(false);
  });
});

test("a fault is reverted early when that is asked for", async () => {
  await lab.say({ subject: "example", fault: "pause_member", target: "member-a", id: "early", ttlMs: 60_000 });
  await lab.until("early", "proved");
  expect(await lab.stateOf("member-a")).toBe("paused");
  await lab.say({ revert: "early", by: "bob" });
  const events = await lab.until("early", "reverted");
  expect(phasesOf(events)).toEqual(["injecting", "injected", "proved", "reverting", "reverted"]);
  expect(events.at(-2)).toMatchObject({ by: "bob" });
  expect(await lab.stateOf("member-a")).toBe("running");
  // Once more: it has ended, and that is no error.
  const letters = await lab.read(flow.dead, () => true);
  await lab.say({ revert: "early" });
  await lab.obeyed();
  expect(await lab.read(flow.dead, () => true)).toHaveLength(letters.length);
});

test("a revert that overtakes its fault waits for it", async () => {
  await lab.say({ revert: "overtaken", by: "bob" });
  await lab.say({ subject: "example", fault: "pause_member", target: "member-a", id: "overtaken", ttlMs: 60_000 });
  expect((await lab.until("overtaken", "reverted")).at(-2)).toMatchObject({ phase: "reverting", by: "bob" });
});

test("a member that recovers early, started by somebody else, ends the fault", async () => {
  await lab.say({ subject: "example", fault: "kill_member", target: "member-a", id: "started", ttlMs: 60_000 });
  await lab.until("started", "proved");
  await lab.supervised.actuator.start("member-a");
  expect((await lab.until("started", "reverted")).at(-1)?.text).toContain("member-a is running");
});

test("the same command twice is one fault; another one under its id is a dead letter", async () => {
  const command = { subject: "example", fault: "mark_member", target: "member-b", id: "twice", ttlMs: 1_000 };
  const before = lab.count("member-b", "injections");
  await lab.say(command);
  await lab.say(command);
  await lab.until("twice", "reverted");
  await lab.say(command);
  await lab.say({ ...command, target: "member-c" });
  await lab.read(flow.dead, (letters) => letters.some(({ code }) => code === "FAULT_CONTRADICTS"));
  await lab.obeyed();
  expect(lab.count("member-b", "injections")).toBe(before + 1);
});

test("without its supervisor it refuses, and says so", async () => {
  const alone = await Lab.open();
  try {
    await alone.chaos({ OPERATOR_SUPERVISOR_SOCKET: "/nowhere/chaos.sock" });
    await alone.say({ subject: "example", fault: "kill_member", target: "member-a", id: "away" });
    expect((await alone.until("away", "refused"))[0]).toMatchObject({ code: "SUPERVISOR_AWAY" });
  } finally {
    await alone[Symbol.asyncDispose]();
  }
});

test("two faults that begin together on two instances never break the quorum", async () => {
  await lab.chaos();
  await lab.chaos();
  for (let round = 0; round < 3; round += 1) {
    const ids = new Map(["member-a", "member-b", "member-c"].map((target) => [target, `race-${round}-${target}`]));
    const command = { subject: "example", fault: "kill_member", ttlMs: 1_000 };
    await Promise.all([...ids].map(([target, id]) => lab.say({ ...command, target, id })));
    await lab.obeyed();
    const events = (await lab.read(flow.fault, () => true)).filter(({ id }) => [...ids.values()].includes(id));
    const began = events.filter(({ phase }) => phase === "injected").map(({ target }) => target);
    expect(began).toHaveLength(1);
    const codes = events.flatMap(({ code }) => (code === undefined ? [] : [code]));
    expect(codes).toEqual(["QUORUM", "QUORUM"]);
    for (const id of ids.values()) {
      const ended = (all: typeof events) =>
        all.some((event) => event.id === id && ["reverted", "refused"].includes(event.phase));
      await lab.read(flow.fault, ended);
    }
    await eventually("all run again", async () =>
      (await lab.supervised.chaos.list()).every(({ state }) => state === "running"),
    );
  }
});
