import { randomUUID } from "node:crypto";
import { setTimeout as wait } from "node:timers/promises";
import type { Bus } from "@operator/bus/bus";
import type { Action } from "@operator/contracts/action";
import { ChaosCommand, type FaultEvent } from "@operator/contracts/chaos";
import type { Diagnosis } from "@operator/contracts/diagnosis";
import { flow } from "@operator/contracts/flow";
import type { Ticket } from "@operator/contracts/ticket";
import { outcomeOf, type Finished } from "./outcome.ts";
import { tellingOf } from "./telling.ts";
import type { Seen } from "./watch.ts";

const injectWithinMs = 20_000;
/** A rule whose grace is half a minute fires by then. */
const openWithinMs = 75_000;
const diagnoseWithinMs = 30_000;
const proposeWithinMs = 10_000;
const settleWithinMs = 120_000;
const closeWithinMs = 90_000;
const stormMs = 2_500;

export interface Story {
  /** Somebody did or saw something; `atMs` on the monotonic clock. */
  tell: (event: { atMs: number; by: string; text: string; ticket?: string }) => void;
}

export interface Scenario {
  subject: string;
  fault: string;
  target: string;
  /** So long the fault lasts by itself. */
  ttlMs: number;
  /** The root cause that a right diagnosis names. */
  cause: string;
  bus: Bus;
  subscribe: (listener: (seen: Seen) => void) => () => void;
  /** A person's decision about a proposed action; approves it when it's yes. */
  decide: (action: Action) => Promise<boolean>;
  story: Story;
  signal: AbortSignal;
}

const injectionEnds: readonly FaultEvent["phase"][] = ["injected", "proved", "refused", "failed"];
const overStates: readonly Action["state"][] = [
  "verified",
  "refused",
  "rejected",
  "expired",
  "cancelled",
  "failed",
  "unverified",
  "undone",
];

/**
 * Asks chaos for a fault, and follows what the loop makes of it: ticket, diagnosis, the action that it proposes, its approval,
 * and the ticket's end. Where no action is proposed the fault is reverted. Everything is seen on the bus.
 */
export async function runScenario(scenario: Scenario): Promise<Finished> {
  const { bus, subject, fault, target, ttlMs, story, signal } = scenario;
  const id = `demo-${randomUUID().slice(0, 8)}`;
  const tickets = new Map<string, Ticket>();
  const actions = new Map<string, Action>();
  const phases = new Map<FaultEvent["phase"], FaultEvent>();
  const first: { openMs?: number; diagnosedMs?: number; closedMs?: number } = {};
  const told = new Set<string>();
  let wake = () => {};
  const unsubscribe = scenario.subscribe((seen) => {
    const { atMs } = seen;
    const telling = tellingOf(seen, (ticket) => !tickets.has(ticket));
    if (telling && !told.has(telling.key)) {
      told.add(telling.key);
      const { key: _, ...event } = telling;
      story.tell({ atMs: seen.kind === "fault" ? monotonic(seen.message.atMs) : atMs, ...event });
    }
    if (seen.kind === "fault" && seen.message.id === id) phases.set(seen.message.phase, seen.message);
    if (seen.kind === "action") actions.set(seen.message.id, seen.message);
    if (seen.kind === "ticket") {
      tickets.set(seen.message.id, seen.message);
      first.openMs ??= atMs;
      if (["done", "ungrounded", "failed"].includes(seen.message.diagnosis)) first.diagnosedMs ??= atMs;
      if ([...tickets.values()].every(({ status }) => status === "closed")) first.closedMs = atMs;
      else delete first.closedMs;
    }
    wake();
  });

  /** Waits until it holds, or the time is over. */
  const until = async (holds: () => boolean, withinMs: number): Promise<boolean> => {
    const deadline = performance.now() + withinMs;
    while (!holds() && performance.now() < deadline && !signal.aborted) {
      const woken = new Promise<void>((resolve) => (wake = resolve));
      await Promise.race([woken, wait(100)]);
    }
    return holds();
  };
  const command = (given: object) => bus.publish(flow.chaosCommand, ChaosCommand.parse({ ...given, by: "demo" }));

  try {
    await command({ subject, fault, target, id, ttlMs });
    // `injecting` is said before the effect, so that what is measured from it is never too short.
    await until(() => injectionEnds.some((phase) => phases.has(phase)), injectWithinMs);
    const begun = phases.get("injecting");
    const faultMs = begun ? monotonic(begun.atMs) : performance.now();
    const isInjected = phases.has("injected") || phases.has("proved");
    if (isInjected) await until(() => first.openMs !== undefined, openWithinMs);
    const root = [...tickets.values()][0];
    if (root) await until(() => first.diagnosedMs !== undefined, diagnoseWithinMs);
    // Long enough for a storm of symptoms to show itself, had there been one.
    await until(() => false, stormMs);
    const diagnosis = root && diagnosisOf(tickets.get(root.id));
    const proposed = () => [...actions.values()][0];
    let recoverMs: number | undefined;
    if (diagnosis && diagnosis.answer.proposals.length > 0 && (await until(() => !!proposed(), proposeWithinMs))) {
      const action = proposed();
      if (action && (await scenario.decide(action))) {
        await until(() => isOver(actions.get(action.id)), settleWithinMs);
        recoverMs = effectFromMs(actions.get(action.id));
      }
    }
    const recoveredBy = recoverMs === undefined ? ("revert" as const) : ("action" as const);
    if (recoverMs === undefined && isInjected) {
      recoverMs = performance.now();
      await command({ revert: id });
    }
    const cleared = tickets.size > 0 && (await until(() => first.closedMs !== undefined, closeWithinMs + ttlMs));
    if (recoveredBy === "action") {
      // What chaos still holds of it must not hinder what comes next.
      await command({ revert: id });
      await until(() => phases.has("reverted"), injectWithinMs);
    }
    return outcomeOf({
      fault,
      target,
      cause: scenario.cause,
      refused: phases.get("refused") ?? phases.get("failed"),
      tickets: [...tickets.values()],
      diagnosis,
      action: proposed(),
      cleared,
      recoveredBy,
      detectMs: since(faultMs, first.openMs),
      diagnoseMs: since(faultMs, first.diagnosedMs),
      clearMs: recoverMs === undefined ? null : since(recoverMs, first.closedMs),
    });
  } finally {
    unsubscribe();
  }
}

function isOver(action: Action | undefined): boolean {
  return action !== undefined && overStates.includes(action.state);
}

/** When the action began to take effect, on the monotonic clock; undefined when it didn't. */
function effectFromMs(action: Action | undefined): number | undefined {
  return action?.effectFromMs === undefined ? undefined : monotonic(action.effectFromMs);
}

function diagnosisOf(ticket: Ticket | undefined): Diagnosis | undefined {
  return ticket?.attempts.findLast(({ status }) => status === "done")?.diagnosis;
}

/** A time of day on this process' monotonic clock. */
function monotonic(atMs: number): number {
  return atMs - performance.timeOrigin;
}

const since = (from: number, to: number | undefined) => (to === undefined ? null : Math.round((to - from) * 10) / 10);
