import { setTimeout as wait } from "node:timers/promises";
import type { Bus } from "@operator/bus/bus";
import { readInOrder } from "@operator/bus/read-in-order";
import { type ChaosCommand, type FaultEvent, HaltLever, leverAtFirst, leverKey } from "@operator/contracts/chaos";
import { flow } from "@operator/contracts/flow";
import { CliError } from "./cli-error.ts";
import { untilAnswer } from "./until-answer.ts";

/** For so long at most a command waits for an instance of chaos; then it's gone. */
const answerWithinMs = 10_000;
/** An effect, its proof or its revert: the supervisor waits until a member is ready. */
const outcomeWithinMs = 60_000;

interface Listening {
  signal: AbortSignal;
  /** Told of each event, in their order. */
  each: (event: FaultEvent) => void;
}

/** Asks for a fault, and tells its events until it's proved, planned or refused. Throws when it's refused, failed, or nobody answers. */
export async function injectFault(
  bus: Bus,
  command: Extract<ChaosCommand, { fault: string }> & { id: FaultEvent["id"] },
  listening: Listening,
): Promise<FaultEvent> {
  const { id, subject } = command;
  await bus.publish(flow.chaosCommand, command, { deadlineMs: answerWithinMs, signal: listening.signal });
  const outcome = await outcomeOf(bus, { id, subject }, listening, ({ phase }) =>
    ["planned", "refused", "proved", "failed", "reverted"].includes(phase),
  );
  const { phase, text, code } = outcome;
  if (phase === "planned" || phase === "proved") return outcome;
  if (phase === "refused")
    throw new CliError("COMMAND_REFUSED", `refused: ${text}`, { code: code ?? "REFUSED", fault: id });
  throw new CliError("ENDED_OTHERWISE", `the fault ${phase} without having been proved: ${text}`, {
    fault: id,
    phase,
    ...(code !== undefined && { why: code }),
  });
}

/** Asks for a fault's end and waits for it. */
export async function revertFault(
  bus: Bus,
  { id, subject }: FaultEvent,
  by: string,
  listening: Listening,
): Promise<FaultEvent> {
  await bus.publish(flow.chaosCommand, { revert: id, by }, { deadlineMs: answerWithinMs, signal: listening.signal });
  return await untilReverted(bus, { id, subject }, listening);
}

/** Waits until a fault that is to be reverted is, and tells of that alone. */
export async function untilReverted(
  bus: Bus,
  { id, subject }: Pick<FaultEvent, "id" | "subject">,
  { signal, each }: Listening,
): Promise<FaultEvent> {
  const told = (event: FaultEvent) => {
    if (["reverting", "reverted", "failed"].includes(event.phase)) each(event);
  };
  const listening = { signal, each: told };
  return await outcomeOf(bus, { id, subject }, listening, ({ phase }) => phase === "reverted", "reverting");
}

/** Moves the halt lever, and waits until chaos has it so. */
export async function moveLever(
  bus: Bus,
  word: Extract<ChaosCommand, { halt: boolean }>,
  signal: AbortSignal,
): Promise<HaltLever> {
  const bucket = await bus.bucket("chaos", HaltLever);
  const before = (await bucket.get(leverKey))?.value ?? leverAtFirst;
  const { sequence } = await bus.publish(flow.chaosCommand, word, { deadlineMs: answerWithinMs, signal });
  // A newer word than before, and not older than ours: a stream that was made anew counts from 1 again.
  const isMoved = (now: HaltLever) =>
    now.sequence >= sequence && (now.atMs > before.atMs || now.sequence > before.sequence);
  const lever = await untilAnswer({ waitMs: answerWithinMs, signal }, async (stop) => {
    while (!stop.aborted) {
      const now = await bucket.get(leverKey);
      if (now && isMoved(now.value)) return now.value;
      await wait(50, undefined, { signal: stop }).catch(() => undefined);
    }
    return undefined;
  });
  if (lever) return lever;
  throw nobody(`chaos is still ${before.halted ? "halted" : "not halted"}`);
}

/** The first event that is an outcome. With `beganAt`, silence is counted until that phase or the outcome. */
async function outcomeOf(
  bus: Bus,
  given: Pick<FaultEvent, "id" | "subject">,
  { signal, each }: Listening,
  isOutcome: (event: FaultEvent) => boolean,
  beganAt?: FaultEvent["phase"],
): Promise<FaultEvent> {
  const told = new Set<string>();
  const listen = (isWanted: (event: FaultEvent) => boolean) => async (stop: AbortSignal) => {
    for await (const { received } of readInOrder(bus, flow.fault, { given, from: "first", signal: stop })) {
      for (const { message } of received) {
        if (!told.has(message.phase)) each(message);
        told.add(message.phase);
        if (isWanted(message)) return message;
      }
    }
    return undefined;
  };
  const isAnswer = (event: FaultEvent) => beganAt === undefined || event.phase === beganAt || isOutcome(event);
  const answer = await untilAnswer({ waitMs: answerWithinMs, signal }, listen(isAnswer));
  if (!answer) throw nobody(`the fault's id is ${given.id}`, given.id);
  if (isOutcome(answer)) return answer;
  const outcome = await untilAnswer({ waitMs: outcomeWithinMs, signal }, listen(isOutcome));
  if (outcome) return outcome;
  throw new CliError(
    "NO_ANSWER",
    `chaos began with it, and said nothing of its outcome within ${outcomeWithinMs / 1000} s: see operator chaos list`,
    { fault: given.id },
  );
}

function nobody(what: string, fault?: string): CliError {
  return new CliError(
    "NO_ANSWER",
    `it was sent, but no chaos answered within ${answerWithinMs / 1000} s: is one running? The command is queued for 5 min (${what})`,
    fault === undefined ? {} : { fault },
  );
}
