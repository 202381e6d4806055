import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { flow } from "@operator/contracts/flow";
import { afterAll, beforeAll, expect, test } from "vitest";
import { eventually, Lab, phasesOf } from "./chaos.fixture.ts";
import { fileOf } from "./example-faults.fixture.ts";

let lab: Lab;
beforeAll(async () => {
  lab = await Lab.open();
});
afterAll(async () => await lab[Symbol.asyncDispose]());

const ids: string[] = [];

/** Kills chaos at a point of a fault's life, and lets another instance go on. */
async function die(point: string, fault: string, target: string) {
  const id = `${fault}-${ids.length}`;
  ids.push(id);
  const victim = await lab.chaos({ OPERATOR_FAILPOINT: point });
  await lab.say({ subject: "example", fault, target, id, ttlMs: 1_000 });
  await victim.exited;
  expect(victim.ending, point).toBe("SIGKILL");
  const successor = await lab.chaos();
  const events = await lab.until(id, "reverted");
  const phases = phasesOf(events);
  expect(new Set(phases).size, point).toBe(phases.length);
  return { successor, phases };
}

test(
  "killed between any two writes of a fault, chaos makes it at most once and it's always taken back",
  { timeout: 240_000 },
  async () => {
    const log = join(lab.supervised.folder, "failpoints");
    await writeFile(log, "");
    const dry = await lab.chaos({ OPERATOR_FAILPOINT_LOG: log });
    await lab.say({ subject: "example", fault: "mark_member", target: "member-a", id: "dry", ttlMs: 1_000 });
    await lab.until("dry", "reverted");
    await lab.obeyed();
    await dry.kill();
    const points = (await readFile(log, "utf8")).trim().split("\n");
    // After a write is before the next one.
    const killAt = [points[0] ?? "", ...points.filter((point) => point.startsWith("after "))];
    expect(killAt).toEqual(
      expect.arrayContaining(["before publish:fault#1", "after inject:mark_member#1", "after revert:mark_member#1"]),
    );
    let made = lab.count("member-a", "injections");
    for (const point of killAt) {
      const { successor, phases } = await die(point, "mark_member", "member-a");
      const isMade = lab.count("member-a", "injections") - made;
      expect(isMade, point).toBeLessThanOrEqual(1);
      if (phases.includes("injected")) expect(isMade, point).toBe(1);
      made += isMade;
      expect(lab.isMarked("member-a"), point).toBe(false);
      await successor.kill();
    }

    let starts = await lab.supervised.startsOf("member-b");
    for (const point of ["after publish:fault#1", "after inject:kill_member#1", "after publish:fault#2"]) {
      const { successor } = await die(point, "kill_member", "member-b");
      expect(await lab.stateOf("member-b"), point).toBe("running");
      const killed = (await lab.supervised.startsOf("member-b")) - starts;
      expect(killed, point).toBe(point === "after publish:fault#1" ? 0 : 1);
      starts += killed;
      await successor.kill();
    }

    // Commands whose acknowledgement was lost come again, and nothing follows from them.
    const last = await lab.chaos();
    await lab.obeyed();
    expect(lab.count("member-a", "injections")).toBe(made);
    expect(await lab.supervised.startsOf("member-b")).toBe(starts);
    const events = await lab.read(flow.fault, () => true);
    for (const id of ids)
      expect(events.filter((event) => event.id === id && event.phase === "reverted")).toHaveLength(1);
    await last.kill();
  },
);

test("with chaos dead the supervisor ends its fault, and the next instance says so", async () => {
  const victim = await lab.chaos({ OPERATOR_FAILPOINT: "after publish:fault#3" });
  await lab.say({ subject: "example", fault: "kill_member", target: "member-b", id: "orphan", ttlMs: 1_500 });
  await victim.exited;
  expect(await lab.stateOf("member-b")).toBe("stopped");
  await eventually("member-b is back", async () => (await lab.stateOf("member-b")) === "running");
  await lab.chaos();
  const events = await lab.until("orphan", "reverted");
  expect(events.at(-1)?.text).toContain("member-b is running");
});

test("an effect that comes after its fault was given up is taken back at once", async () => {
  const go = fileOf(lab.supervised.folder, "member-c", "go");
  await lab.chaos();
  await lab.say({ subject: "example", fault: "late_mark_member", target: "member-c", id: "late", ttlMs: 60_000 });
  const events = await lab.until("late", "reverted");
  expect(events.find(({ phase }) => phase === "failed")).toMatchObject({ code: "INTERRUPTED" });
  await writeFile(go, "");
  await lab.until("late", "injected");
  await eventually("the mark is gone", () => !lab.isMarked("member-c"));
});
