import * as fc from "fast-check";
import type { ProbeOutcome } from "@operator/subject/probe";
import { describe, expect, test } from "vitest";
import { freshMemory, judge, type ProbeEvent, type ProbeJudgement, type ProbeMemory } from "./probe.ts";

const answered = { kind: "answered", latencyMs: 1 } as const;
const refused = { kind: "refused", code: "ECONNREFUSED" } as const;
const reset = { kind: "reset", code: "ECONNRESET" } as const;
const late = { kind: "timeout", closed: false } as const;
const lateClosed = { kind: "timeout", closed: true } as const;
const emfile = { kind: "ours", code: "EMFILE" } as const;
type Seen = ProbeOutcome | "closed" | "lagged";

/** Judges what is seen one after the other, each a newer question, 10 ms apart. */
function after(...seen: Seen[]): ProbeJudgement {
  let judgement: ProbeJudgement = { memory: freshMemory("node:1"), next: "wait", reason: "undecided" };
  for (const [at, one] of seen.entries()) judgement = judge(judgement.memory, eventOf(one, at + 1, (at + 1) * 10));
  return judgement;
}

function eventOf(seen: Seen, asked: number, atMs: number): ProbeEvent {
  if (seen === "closed") return { kind: "closed", atMs };
  if (seen === "lagged") return { kind: "outcome", outcome: late, asked, atMs, lagMs: 100 };
  return { kind: "outcome", outcome: seen, asked, atMs, lagMs: 0 };
}

describe("what is known of a target after", () => {
  const rows: [string, Seen[], { state?: string; next: string; reason: string }][] = [
    ["an answer: it's up", [answered], { state: "up", next: "wait", reason: "came-up" }],
    ["two answers: still up", [answered, answered], { state: "up", next: "wait", reason: "answered" }],
    ["a close: ask at once", [answered, "closed"], { state: "up", next: "ask-now", reason: "suspected" }],
    [
      "a close and a refusal: down",
      [answered, "closed", refused],
      { state: "refused", next: "wait", reason: "went-down" },
    ],
    ["a close and an answer: up", [answered, "closed", answered], { state: "up", next: "wait", reason: "answered" }],
    ["two closes: one question", [answered, "closed", "closed"], { state: "up", next: "wait", reason: "nothing-new" }],
    [
      "closes that answers contradict, within a rhythm: one question",
      [answered, "closed", answered, "closed"],
      { state: "up", next: "wait", reason: "nothing-new" },
    ],
    [
      "a timeout, then a close: ask at once",
      [answered, late, "closed"],
      { state: "up", next: "ask-now", reason: "suspected" },
    ],
    ["one refusal: ask at once", [answered, refused], { state: "up", next: "ask-now", reason: "suspected" }],
    ["two refusals: down", [answered, refused, refused], { state: "refused", next: "wait", reason: "went-down" }],
    ["a first refusal ever: ask at once", [refused], { next: "ask-now", reason: "suspected" }],
    [
      "three refusals: still down",
      [refused, refused, refused],
      { state: "refused", next: "wait", reason: "still-down" },
    ],
    ["a reset: ask again in 20 ms", [answered, reset], { state: "up", next: "ask-in-20ms", reason: "undecided" }],
    [
      "a reset and a refusal: down",
      [answered, reset, refused],
      { state: "refused", next: "wait", reason: "went-down" },
    ],
    [
      "three resets: the rhythm decides",
      [answered, reset, reset, reset],
      { state: "up", next: "wait", reason: "undecided" },
    ],
    [
      "a fourth reset: it drops all",
      [reset, reset, reset, reset],
      { state: "refused", next: "wait", reason: "went-down" },
    ],
    ["one timeout: ask at once", [answered, late], { state: "up", next: "ask-now", reason: "suspected" }],
    ["two timeouts: silent", [answered, late, late], { state: "silent", next: "wait", reason: "went-down" }],
    [
      "a timeout, then an answer: up",
      [answered, late, answered, late],
      { state: "up", next: "ask-now", reason: "suspected" },
    ],
    ["a close and a timeout: not yet", [answered, "closed", late], { state: "up", next: "wait", reason: "suspected" }],
    [
      "a close, then nothing more opens: silent",
      [answered, "closed", lateClosed],
      { state: "silent", next: "wait", reason: "went-down" },
    ],
    [
      "a timeout on a closed one: ask at once",
      [answered, lateClosed],
      { state: "up", next: "ask-now", reason: "suspected" },
    ],
    ["out of sockets: nothing", [answered, emfile], { state: "up", next: "wait", reason: "ours" }],
    [
      "out of sockets again and again: nothing",
      [answered, emfile, emfile, emfile],
      { state: "up", next: "wait", reason: "ours" },
    ],
    [
      "timeouts while our loop lagged: nothing",
      [answered, "lagged", "lagged", "lagged"],
      { state: "up", next: "wait", reason: "ours" },
    ],
    ["a timeout and a lagged one: not yet", [answered, late, "lagged"], { state: "up", next: "wait", reason: "ours" }],
    [
      "silent, then refused: its port refuses now",
      [late, late, refused],
      { state: "refused", next: "wait", reason: "went-down" },
    ],
    ["refused, then an answer: up", [refused, refused, answered], { state: "up", next: "wait", reason: "came-up" }],
  ];
  test.each(rows)("%s", (_, seen, { state, next, reason }) => {
    const judgement = after(...seen);
    expect(judgement).toMatchObject({ next, reason });
    expect(judgement.memory.reading?.state).toBe(state);
  });
});

test("a refusal is believed while our loop lags: it's the kernel's word", () => {
  const { memory } = after(answered, "closed");
  const event = { kind: "outcome", outcome: refused, asked: 9, atMs: 90, lagMs: 5_000 } as const;
  expect(judge(memory, event).reason).toBe("went-down");
});

test("an older question's outcome doesn't overrule a newer one's", () => {
  const { memory } = after(answered, answered, answered);
  for (const outcome of [refused, late, reset, emfile, answered]) {
    const judgement = judge(memory, { kind: "outcome", outcome, asked: 2, atMs: 99, lagMs: 0 });
    expect(judgement).toEqual({ memory, next: "wait", reason: "overtaken" });
  }
});

test("a failure of ours is reported with the time it began, until a question succeeds", () => {
  expect(after(answered, emfile, emfile).memory.error).toEqual({
    code: "EMFILE",
    message: "couldn't ask node:1: EMFILE",
    sinceMs: 20,
  });
  expect(after(answered, emfile, answered).memory.error).toBeUndefined();
});

test("what isn't confirmed gets no newer reading time, so it becomes late", () => {
  expect(after(answered, late).memory.readAtMs).toBe(10);
  expect(after(answered, emfile).memory.readAtMs).toBe(10);
  expect(after(answered, refused).memory.readAtMs).toBe(10);
  expect(after(answered, refused, refused).memory.readAtMs).toBe(30);
});

test("a state keeps its time and the last answer's", () => {
  expect(after(answered, answered, refused, refused, refused).memory.reading).toEqual({
    state: "refused",
    sinceMs: 40,
    address: "node:1",
    code: "ECONNREFUSED",
    lastAnswerAtMs: 20,
  });
});

const seed = Number(process.env["SEED"] ?? Date.now() % 2 ** 31);
console.log(`probe properties: SEED=${seed}`);

const anyFailure = fc.constantFrom<Seen>(refused, reset, late, lateClosed, emfile, "lagged", "closed");
const anySeen = fc.oneof(fc.constant<Seen>(answered), anyFailure);

describe("whatever is seen", () => {
  test("a single failure between answers never takes a target down", () => {
    fc.assert(
      fc.property(fc.array(anyFailure, { maxLength: 30 }), (failures) => {
        const seen = failures.flatMap((failure): Seen[] => [failure, answered]);
        let memory = after(answered).memory;
        for (const [at, one] of seen.entries()) {
          memory = judge(memory, eventOf(one, at + 2, 20 + at * 10)).memory;
          expect(memory.reading?.state).toBe("up");
        }
      }),
      { seed },
    );
  });

  test("our own failures alone never change a state", () => {
    fc.assert(
      fc.property(
        fc.array(anySeen, { maxLength: 20 }),
        fc.array(fc.constantFrom<Seen>(emfile, "lagged"), { minLength: 1, maxLength: 10 }),
        (before, own) => {
          const then = after(...before).memory.reading;
          expect(after(...before, ...own).memory.reading).toEqual(then);
        },
      ),
      { seed },
    );
  });

  test("ten failures of the other side in a row take it down, an answer brings it up", () => {
    const foreign = fc.constantFrom<Seen>(refused, reset, late, lateClosed);
    fc.assert(
      fc.property(
        fc.array(anySeen, { maxLength: 20 }),
        fc.array(foreign, { minLength: 10, maxLength: 12 }),
        (before, failures) => {
          expect(["refused", "silent"]).toContain(after(...before, ...failures).memory.reading?.state);
          expect(after(...before, ...failures, answered).memory.reading?.state).toBe("up");
        },
      ),
      { seed },
    );
  });

  test("times only grow, a state isn't younger than its reading, and the input stays as it was", () => {
    fc.assert(
      fc.property(fc.array(anySeen, { maxLength: 40 }), (seen) => {
        let memory: ProbeMemory = freshMemory("node:1");
        for (const [at, one] of seen.entries()) {
          const before = structuredClone(memory);
          const next = judge(memory, eventOf(one, at + 1, at * 10)).memory;
          expect(memory).toEqual(before);
          expect(next.readAtMs ?? 0).toBeGreaterThanOrEqual(memory.readAtMs ?? 0);
          expect(next.reading?.sinceMs ?? 0).toBeLessThanOrEqual(next.readAtMs ?? 0);
          memory = next;
        }
      }),
      { seed },
    );
  });

  test("a server that closes after each answer triggers four questions a second, not a storm", () => {
    let memory = after(answered).memory;
    let triggered = 0;
    for (let at = 1; at <= 1_000; at += 1) {
      const judgement = judge(memory, { kind: "closed", atMs: 10 + at });
      if (judgement.next === "ask-now") triggered += 1;
      memory = judge(judgement.memory, eventOf(answered, at + 1, 10 + at)).memory;
    }
    expect(triggered).toBe(4);
  });
});
