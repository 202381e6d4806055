import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { flow } from "@operator/contracts/flow";
import { afterAll, beforeAll, expect, test } from "vitest";
import { eventually, Lab, phasesOf } from "./chaos.fixture.ts";
import { fileOf } from "./example-faults.fixture.ts";

/** So many lives at a time, each in a lab of its own: in one, a chaos would do the work of the other that was killed. */
const livesMax = 3;
let labs: Lab[] = [];
let lab: Lab;
beforeAll(async () => {
  labs = await Promise.all(Array.from({ length: livesMax }, () => Lab.open()));
  lab = labs[0] ?? expect.fail("no lab");
});
afterAll(async () => await Promise.all(labs.map((each) => each[Symbol.asyncDispose]())));

/** A fault, and where in its life chaos is killed. */
interface Life {
  fault: "mark_member" | "kill_member";
  point: string;
}
const targetOf = { mark_member: "member-a", kill_member: "member-b" } as const;

/** How often marks were made, and how often the killed member was started. */
const effectsIn = async (lab: Lab) => ({
  mark_member: lab.count(targetOf.mark_member, "injections"),
  kill_member: await lab.supervised.startsOf(targetOf.kill_member),
});

/** Kills chaos at a point of a fault's life, and lets another instance go on. Nothing of the fault is left in the end. */
async function die(lab: Lab, { fault, point }: Life, id: string) {
  const target = targetOf[fault];
  const victim = await lab.chaos({ OPERATOR_FAILPOINT: point });
  await lab.say({ subject: "example", fault, target, id, ttlMs: 1_000 });
  await victim.exited;
  expect(victim.ending, point).toBe("SIGKILL");
  const successor = await lab.chaos();
  const phases = phasesOf(await lab.until(id, "reverted"));
  expect(new Set(phases).size, point).toBe(phases.length);
  expect(lab.isMarked(target), point).toBe(false);
  expect(await lab.stateOf(target), point).toBe("running");
  const effects = await effectsIn(lab);
  await successor.kill();
  return { phases, effects };
}

/** Commands whose acknowledgement was lost come again, and nothing follows from them: each fault was ended once. */
async function nothingFollows(lab: Lab, ids: readonly string[], effects: object): Promise<void> {
  const last = await lab.chaos();
  await lab.obeyed();
  expect(await effectsIn(lab)).toEqual(effects);
  const events = await lab.read(flow.fault, () => true);
  for (const id of ids) expect(events.filter((event) => event.id === id && event.phase === "reverted")).toHaveLength(1);
  await last.kill();
}

/** A fault of whose life nobody dies: its writes in their order. */
async function dryRun(): Promise<string[]> {
  const log = join(lab.supervised.folder, "failpoints");
  await writeFile(log, "");
  const dry = await lab.chaos({ OPERATOR_FAILPOINT_LOG: log });
  await lab.say({ subject: "example", fault: "mark_member", target: "member-a", id: "dry", ttlMs: 1_000 });
  await lab.until("dry", "reverted");
  await lab.obeyed();
  await dry.kill();
  return (await readFile(log, "utf8")).trim().split("\n");
}

test(
  "killed between any two writes of a fault, chaos makes it at most once and it's always taken back",
  { timeout: 240_000 },
  async () => {
    const points = await dryRun();
    // After a write is before the next one.
    const killAt = [points[0] ?? "", ...points.filter((point) => point.startsWith("after "))];
    expect(killAt).toEqual(
      expect.arrayContaining(["before publish:fault#1", "after inject:mark_member#1", "after revert:mark_member#1"]),
    );
    const lives: Life[] = [
      ...killAt.map((point) => ({ fault: "mark_member" as const, point })),
      ...["after publish:fault#1", "after inject:kill_member#1", "after publish:fault#2"].map((point) => ({
        fault: "kill_member" as const,
        point,
      })),
    ];
    const waiting = lives.entries();
    const liveIn = async (lab: Lab) => {
      const ids: string[] = [];
      let before = await effectsIn(lab);
      for (const [n, life] of waiting) {
        const { fault, point } = life;
        ids.push(`${fault}-${n}`);
        const { phases, effects } = await die(lab, life, `${fault}-${n}`);
        const made = effects[fault] - before[fault];
        expect(made, point).toBeLessThanOrEqual(1);
        if (fault === "kill_member") expect(made, point).toBe(point === "after publish:fault#1" ? 0 : 1);
        else if (phases.includes("injected")) expect(made, point).toBe(1);
        before = effects;
      }
      await nothingFollows(lab, ids, before);
    };
    await Promise.all(labs.map(liveIn));
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
