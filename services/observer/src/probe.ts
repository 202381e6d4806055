import type { ProbeOutcome, ProbeReading } from "@operator/subject/probe";

/** What is known of one probed target. A value: `judge` returns the next one. */
export interface ProbeMemory {
  address: string;
  /** What repeated questions established; absent until they did. */
  reading?: ProbeReading;
  /** When an outcome last established or confirmed the reading. */
  readAtMs?: number;
  /** Why the latest question says nothing. */
  error?: { code: string; message: string; sinceMs: number };
  /** A close or a failure was seen that no later answer has contradicted: the next certain outcome decides. */
  suspected: boolean;
  /** Failures since the last answer. */
  timeouts: number;
  resets: number;
  /** The newest question whose outcome was heard. */
  heard: number;
  /** When a close last triggered a question. */
  hintedAtMs?: number;
}

/** Something seen of a target: its kept connection closed, or question number `asked` came to an outcome. */
export type ProbeEvent =
  | { kind: "closed"; atMs: number }
  | { kind: "outcome"; asked: number; outcome: ProbeOutcome; atMs: number; lagMs: number };

export interface ProbeJudgement {
  memory: ProbeMemory;
  /** What to ask beside the rhythm. */
  next: "wait" | "ask-now" | "ask-in-20ms";
  reason:
    | "answered"
    | "came-up"
    | "went-down"
    | "still-down"
    | "suspected"
    | "undecided"
    | "ours"
    | "overtaken"
    | "nothing-new";
}

/** An event loop that was held up for so long may have run a limit out while the answer lay waiting. */
export const lagMaxMs = 100;
/** A server that closes after every answer must not make us ask without end. */
const hintEveryMs = 250;
/** So many resets are asked again at once; then the rhythm decides. */
const resetsQuick = 3;

export function freshMemory(address: string): ProbeMemory {
  return { address, suspected: false, timeouts: 0, resets: 0, heard: 0 };
}

/**
 * A close or a failure triggers one question at once, and that one decides: refused means down, a timeout on a closed
 * connection too; a reset is asked again in 20 ms; a plain timeout needs a second one without an answer between. Our own failures
 * decide nothing.
 */
export function judge(memory: ProbeMemory, event: ProbeEvent): ProbeJudgement {
  if (event.kind === "closed") return judgeClose(memory, event.atMs);
  const { outcome, asked, atMs } = event;
  // Questions overlap: what an older one came to was overtaken by what a newer one has said already.
  if (asked <= memory.heard) return { memory, next: "wait", reason: "overtaken" };
  // A refusal is the kernel's word, but a limit that ran out is our clock's.
  if (outcome.kind === "timeout" && event.lagMs >= lagMaxMs)
    return ours(memory, "EVENT_LOOP_LAG", `held up for ${Math.round(event.lagMs)} ms while asking`, atMs);
  if (outcome.kind === "ours")
    return ours(memory, outcome.code, `couldn't ask ${memory.address}: ${outcome.code}`, atMs);

  const { error: _, ...rest } = memory;
  const heard: ProbeMemory = { ...rest, heard: asked };
  if (outcome.kind === "answered") return answered(heard, outcome.latencyMs, atMs);
  if (outcome.kind === "refused") {
    if (memory.suspected) return down(heard, "refused", outcome.code, atMs);
    return { memory: { ...heard, suspected: true }, next: "ask-now", reason: "suspected" };
  }
  if (outcome.kind === "reset") {
    const resets = memory.resets + 1;
    if (resets > resetsQuick) return down({ ...heard, resets }, "refused", outcome.code, atMs);
    const next = resets < resetsQuick ? "ask-in-20ms" : "wait";
    return { memory: { ...heard, resets, suspected: true }, next, reason: "undecided" };
  }
  const timeouts = memory.timeouts + 1;
  const certain = memory.suspected && outcome.closed;
  if (certain || timeouts >= 2)
    return down({ ...heard, timeouts }, "silent", outcome.closed ? "TIMEOUT_CLOSED" : "TIMEOUT", atMs);
  const next = memory.suspected ? "wait" : "ask-now";
  return { memory: { ...heard, timeouts, suspected: true }, next, reason: "suspected" };
}

/** A death closes every connection, a hint of which is enough; more than one in a rhythm says nothing new. */
function judgeClose(memory: ProbeMemory, atMs: number): ProbeJudgement {
  if (memory.hintedAtMs !== undefined && atMs - memory.hintedAtMs < hintEveryMs)
    return { memory, next: "wait", reason: "nothing-new" };
  return { memory: { ...memory, suspected: true, hintedAtMs: atMs }, next: "ask-now", reason: "suspected" };
}

function answered(memory: ProbeMemory, latencyMs: number, atMs: number): ProbeJudgement {
  const upSinceMs = memory.reading?.state === "up" ? memory.reading.sinceMs : undefined;
  const reading: ProbeReading = {
    state: "up",
    sinceMs: upSinceMs ?? atMs,
    address: memory.address,
    lastAnswerAtMs: atMs,
    latencyMs: Math.round(latencyMs * 100) / 100,
  };
  return {
    memory: { ...memory, reading, readAtMs: atMs, suspected: false, timeouts: 0, resets: 0 },
    next: "wait",
    reason: upSinceMs === undefined ? "came-up" : "answered",
  };
}

function down(memory: ProbeMemory, state: "refused" | "silent", code: string, atMs: number): ProbeJudgement {
  const was = memory.reading;
  const reading: ProbeReading = {
    state,
    sinceMs: was?.state === state ? was.sinceMs : atMs,
    address: memory.address,
    code,
    ...(was?.lastAnswerAtMs !== undefined && { lastAnswerAtMs: was.lastAnswerAtMs }),
  };
  return {
    memory: { ...memory, reading, readAtMs: atMs, suspected: true },
    next: "wait",
    reason: was?.state === state ? "still-down" : "went-down",
  };
}

function ours(memory: ProbeMemory, code: string, message: string, atMs: number): ProbeJudgement {
  const sinceMs = memory.error?.sinceMs ?? atMs;
  return { memory: { ...memory, error: { code, message, sinceMs } }, next: "wait", reason: "ours" };
}
