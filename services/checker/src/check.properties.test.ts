import { addressOf } from "@operator/contracts/channel";
import { flow } from "@operator/contracts/flow";
import type { Snapshot } from "@operator/contracts/snapshot";
import * as fc from "fast-check";
import { expect, test } from "vitest";
import type { Assessment, Input } from "./check.ts";
import { Memory } from "./memory.ts";
import { nothing, readAfter } from "./recall.ts";
import { Scenery, type Scene, Story } from "./snapshots.fixture.ts";

const up = fc.oneof(
  { weight: 5, arbitrary: fc.boolean() },
  { weight: 2, arbitrary: fc.constantFrom("late" as const, "failed" as const, "lost" as const) },
);
const ms = fc.oneof(
  { weight: 5, arbitrary: fc.constantFrom(5, 300) },
  { weight: 2, arbitrary: fc.constantFrom(13, "late" as const, "failed" as const, "lost" as const) },
);
const departed = fc.constantFrom(["a"], ["b"], "failed" as const, ...Array.from({ length: 9 }, () => []));
const anyScene: fc.Arbitrary<Scene> = fc.record({
  // Half of the scenes change nothing, so that there are times long enough to fire and to clear.
  probe: fc.oneof(fc.constant({}), fc.record({ a: up, b: up }, { requiredKeys: [] })),
  metrics: fc.oneof(fc.constant({}), fc.record({ a: ms }, { requiredKeys: [] })),
  departed,
  afterMs: fc.oneof(
    { weight: 8, arbitrary: fc.constant(1_000) },
    { weight: 3, arbitrary: fc.constantFrom(20, 250, 999, 2_500, 5_000, 5_001, 17_000) },
    // Another observer's clock may be behind.
    { weight: 1, arbitrary: fc.constantFrom(-30_000, 100_000) },
  ),
  takeover: fc.oneof({ weight: 15, arbitrary: fc.constant(false) }, { weight: 1, arbitrary: fc.constant(true) }),
});
/** Each scene lasts a few snapshots. Within an epoch the observer's dates only grow. */
const anyStory = fc
  .array(fc.tuple(anyScene, fc.integer({ min: 1, max: 6 })), { minLength: 1, maxLength: 25 })
  .map((scenes) => {
    const scenery = new Scenery();
    return scenes.flatMap(([scene, count]) =>
      Array.from({ length: count }, (_, i) => {
        const takeover = i === 0 && scene.takeover === true;
        const afterMs = takeover ? (scene.afterMs ?? 1_000) : Math.max(1, scene.afterMs ?? 1_000);
        return scenery.next({ ...scene, takeover, afterMs: i === 0 ? afterMs : Math.abs(afterMs) });
      }),
    );
  });

function tell(inputs: readonly Input[], story = new Story()): Story {
  for (const input of inputs) story.take(input);
  return story;
}

function messagesOf(all: readonly Assessment[]) {
  return {
    evidence: all.flatMap(({ evidence }) => evidence),
    violations: all.flatMap(({ violations }) => violations),
    verdicts: all.flatMap(({ verdicts }) => verdicts ?? []),
  };
}

const runs = { numRuns: 50 };

test("what comes twice, or late, or all over again, changes neither memory nor messages", () => {
  const delivered = anyStory.chain((inputs) =>
    fc
      .array(fc.array(fc.nat({ max: inputs.length - 1 }), { maxLength: 3 }), {
        minLength: inputs.length,
        maxLength: inputs.length,
      })
      .map((again) => ({
        inputs,
        noisy: inputs.flatMap((input, i) => [input, ...(again[i] ?? []).flatMap((k) => inputs[Math.min(k, i)] ?? [])]),
      })),
  );
  fc.assert(
    fc.property(delivered, ({ inputs, noisy }) => {
      const [plain, repeated] = [tell(inputs), tell([...noisy, ...inputs])];
      expect(messagesOf(repeated.all)).toEqual(messagesOf(plain.all));
      expect(repeated.memory).toEqual(plain.memory);
    }),
    runs,
  );
});

test("a restart at any point, from the saved memory, says the same violations by the same ids", () => {
  fc.assert(
    fc.property(anyStory, fc.nat(), (inputs, cut) => {
      const at = cut % inputs.length;
      const before = tell(inputs.slice(0, at));
      const resumed = new Story();
      resumed.memory = Memory.parse(JSON.parse(JSON.stringify(before.memory)));
      resumed.recall = nothing;
      tell(inputs.slice(at), resumed);
      const whole = tell(inputs);
      const ids = (story: Story) => story.violations.map((violation) => flow.violation.id(violation));
      expect([...ids(before), ...ids(resumed)]).toEqual(ids(whole));
    }),
    runs,
  );
});

test("a restart that reads again what it may have to cite says exactly the same", () => {
  fc.assert(
    fc.property(anyStory, fc.nat(), (inputs, cut) => {
      const at = cut % inputs.length;
      const before = tell(inputs.slice(0, at));
      const resumed = new Story();
      resumed.memory = Memory.parse(JSON.parse(JSON.stringify(before.memory)));
      tell(
        inputs.filter((input) => input.sequence > readAfter(before.memory)),
        resumed,
      );
      const whole = tell(inputs);
      expect(messagesOf([...before.all, ...resumed.all])).toEqual(messagesOf(whole.all));
      expect(resumed.memory).toEqual(whole.memory);
    }),
    runs,
  );
});

test("whoever hears a silence by the clock says the same violations as who learns of it by the next snapshot", () => {
  fc.assert(
    fc.property(anyStory, (inputs) => {
      const ticking = new Story();
      for (const input of inputs) {
        const { last } = ticking.memory;
        if (last && input.snapshot.epoch >= ticking.memory.epoch) {
          for (let asOf = last.nowMs + 1_000; asOf - last.nowMs < input.snapshot.atMs - last.atMs; asOf += 1_000) {
            ticking.take({ kind: "silence", asOf });
          }
        }
        ticking.take(input);
      }
      expect(ticking.violations).toEqual(tell(inputs).violations);
    }),
    runs,
  );
});

test("nothing clears without three fresh readings that are ok, over 3 s, of one observer", () => {
  let cleared = 0;
  fc.assert(
    fc.property(anyStory, (inputs) => {
      const story = new Story();
      const seen: Snapshot[] = [];
      for (const input of inputs) {
        const { violations } = story.take(input);
        seen.push(input.snapshot);
        for (const { invariant, target, state } of violations) {
          if (invariant !== "down" || state !== "cleared") continue;
          cleared++;
          const reads = provenUp(seen, target);
          expect(reads.length).toBeGreaterThanOrEqual(3);
          expect(Math.max(...reads) - Math.min(...reads)).toBeGreaterThanOrEqual(3_000);
        }
      }
    }),
    // Few stories end in a clearing: enough of them that the property can't hold for want of any.
    { numRuns: 400 },
  );
  expect(cleared).toBeGreaterThan(10);
});

test("what is said fits the channel, fires only on what is seen broken, and ends only what fired", () => {
  fc.assert(
    fc.property(anyStory, (inputs) => {
      const story = new Story();
      const open = new Set<string>();
      const ids = new Set<string>();
      for (const input of inputs) {
        const { violations, evidence, verdicts } = story.take(input);
        const stored = new Set(evidence.map((snapshot) => addressOf(flow.evidence, snapshot)));
        for (const violation of violations) {
          expect(flow.violation.schema.parse(violation)).toEqual(violation);
          const id = flow.violation.id(violation);
          expect(ids).not.toContain(id);
          ids.add(id);
          const key = `${violation.invariant} ${violation.target}`;
          const isFresh = !open.has(key);
          if (violation.state === "firing") open.add(key);
          else expect(open).toContain(key);
          if (violation.state === "cleared" || violation.state === "retired") open.delete(key);
          if (isFresh && violation.firstBad) expect(stored).toContain(violation.firstBad.address);
          if (isFresh && violation.lastGood) expect(stored).toContain(violation.lastGood.address);
          if (isFresh && violation.invariant === "down") {
            const broken = Object.entries(input.snapshot.parts).find(([source]) => source === "probe")?.[1];
            expect(Object.entries(broken ?? {})).toContainEqual([violation.target, { up: false }]);
          }
        }
        if (verdicts) expect(flow.verdicts.schema.parse(verdicts)).toEqual(verdicts);
        expect(Memory.parse(JSON.parse(JSON.stringify(story.memory)))).toEqual(story.memory);
      }
    }),
    runs,
  );
});

/** The distinct times at which a target was read and up, going back from the newest snapshot until it wasn't. */
function provenUp(seen: readonly Snapshot[], target: string): number[] {
  const reads = new Set<number>();
  const newest = seen.at(-1);
  for (const snapshot of seen.toReversed()) {
    const probe = Object.entries(snapshot.sources).find(([source]) => source === "probe")?.[1];
    const report = Object.entries(probe?.targets ?? {}).find(([name]) => name === target)?.[1];
    const readings = Object.entries(snapshot.parts).find(([source]) => source === "probe")?.[1];
    const isUp =
      JSON.stringify(Object.entries(readings ?? {}).find(([name]) => name === target)?.[1]) === '{"up":true}';
    const { readAtMs, error } = report ?? {};
    const isFresh = readAtMs !== undefined && !error && snapshot.atMs - readAtMs <= 750;
    if (!isUp || !isFresh || snapshot.epoch !== newest?.epoch) break;
    reads.add(readAtMs);
  }
  return [...reads];
}
