import { randomUUID } from "node:crypto";
import { setTimeout as wait } from "node:timers/promises";
import type { Bus } from "@operator/bus/bus";
import type { Action } from "@operator/contracts/action";
import { ChaosCommand, type FaultEvent } from "@operator/contracts/chaos";
import type { Diagnosis } from "@operator/contracts/diagnosis";
import { flow } from "@operator/contracts/flow";
import type { Ticket } from "@operator/contracts/ticket";
import { type Outcome, outcomeOf, rounded, type SeenFault, type SeenTicket } from "./outcome.ts";
import { tellingOf } from "./telling.ts";
import { untilWell } from "./until-well.ts";
import type { Seen } from "./watch.ts";

const injectWithinMs = 20_000;
/** A rule that reads once a minute, with a grace of half a minute, fires by then. */
const openWithinMs = 120_000;
const diagnoseWithinMs = 30_000;
const proposeWithinMs = 10_000;
const settleWithinMs = 120_000;
const closeWithinMs = 90_000;
const stormMs = 2_500;
/** So long nothing may open where nothing is broken. */
const quietMs = 30_000;

export interface Story {
  /** Somebody did or saw something; `atMs` on the monotonic clock. */
  tell: (event: { atMs: number; by: string; text: string; ticket?: string }) => void;
}

/**
 * A fault to make. `ttlMs`: so long it lasts by itself. `cause`: what a right diagnosis names. `leaves`: the invariant that
 * tells of what the remedy leaves behind.
 */
export interface PlannedFault {
  fault: string;
  target: string;
  cause: string;
  leaves?: string | undefined;
  ttlMs: number;
  force: boolean;
}

export interface Run {
  subject: string;
  scenario: string;
  expects: "roots" | "quiet";
  faults: PlannedFault[];
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
const diagnosisEnds: readonly Ticket["diagnosis"][] = ["done", "ungrounded", "failed"];

/** What was seen of one ticket, on the monotonic clock. */
interface Case {
  ticket: Ticket;
  openMs: number;
  diagnosedMs?: number;
}

/**
 * Asks chaos for faults, and follows what the loop makes of them: tickets, diagnoses, the actions that it proposes, their
 * approval, and the tickets' end. Where no action is proposed the faults are reverted. It ends when everything is ok again: a
 * ticket that opens on the way there is the scenario's too, and what it proposes is decided on. Everything is seen on the bus.
 */
export async function runScenario(run: Run): Promise<Outcome & { diagnoses: Diagnosis[]; isWell: boolean }> {
  const { bus, subject, story, signal } = run;
  const faults = run.faults.map((planned) => ({
    ...planned,
    id: `demo-${randomUUID().slice(0, 8)}`,
    phases: new Map<FaultEvent["phase"], FaultEvent>(),
  }));
  const cases = new Map<string, Case>();
  const actions = new Map<string, Action>();
  let closedMs: number | undefined;
  const told = new Set<string>();
  let wake = () => {};
  const unsubscribe = run.subscribe((seen) => {
    const { atMs } = seen;
    const telling = tellingOf(seen, (ticket) => !cases.has(ticket));
    // Once a ticket is there nobody waits for a grace any more.
    const isOld = seen.kind === "verdicts" && cases.size > 0;
    if (telling && !isOld && !told.has(telling.key)) {
      told.add(telling.key);
      const { key: _, ...event } = telling;
      story.tell({ atMs: seen.kind === "fault" ? monotonic(seen.message.atMs) : atMs, ...event });
    }
    if (seen.kind === "fault") {
      faults.find(({ id }) => id === seen.message.id)?.phases.set(seen.message.phase, seen.message);
    }
    if (seen.kind === "action") actions.set(seen.message.id, seen.message);
    if (seen.kind === "ticket") {
      const ticket = seen.message;
      const { openMs, diagnosedMs } = cases.get(ticket.id) ?? { openMs: atMs };
      const since = diagnosedMs ?? (diagnosisEnds.includes(ticket.diagnosis) ? atMs : undefined);
      cases.set(ticket.id, { ticket, openMs, ...(since !== undefined && { diagnosedMs: since }) });
      closedMs = [...cases.values()].every((each) => each.ticket.status === "closed") ? atMs : undefined;
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
  const isInjected = ({ phases }: (typeof faults)[number]) => phases.has("injected") || phases.has("proved");
  const rest = (holds: (one: Case) => boolean) => () => cases.size >= faults.length && [...cases.values()].every(holds);
  const open = () => [...actions.values()].filter(({ state }) => !overStates.includes(state));

  try {
    for (const { id, fault, target, ttlMs, force } of faults) {
      await command({ subject, fault, target, id, ttlMs, ...(force && { force }) });
    }
    const isAnswered = () => faults.every(({ phases }) => injectionEnds.some((phase) => phases.has(phase)));
    await until(isAnswered, injectWithinMs);
    const seenFaults = faults.map(({ fault, target, cause, leaves, phases }): SeenFault => {
      // `injecting` is said before the effect, so that what is measured from it is never too short.
      const begun = phases.get("injecting");
      const named = phases.get("proved") ?? phases.get("injected");
      return {
        fault,
        target: named?.observedAs ?? named?.target ?? target,
        cause,
        leaves,
        faultMs: begun ? monotonic(begun.atMs) : performance.now(),
        refused: phases.get("refused") ?? phases.get("failed"),
      };
    });
    const anyInjected = faults.some(isInjected);
    if (run.expects === "quiet") {
      await until(() => cases.size > 0, quietMs);
    } else if (anyInjected) {
      await until(
        rest(() => true),
        openWithinMs,
      );
      await until(
        rest(({ diagnosedMs }) => diagnosedMs !== undefined),
        diagnoseWithinMs,
      );
      // Long enough for a storm of symptoms to show itself, had there been one.
      await until(() => false, stormMs);
    }
    const proposals = [...cases.values()].flatMap(({ ticket }) => diagnosisOf(ticket)?.answer.proposals ?? []);
    const decided = new Set<string>();
    /** Asks for a decision about each action that waits for one, and follows those that are approved to their end. */
    const decideOnOpen = async () => {
      for (const action of open().filter(({ id }) => !decided.has(id))) {
        decided.add(action.id);
        if (await run.decide(action)) await until(() => isOver(actions.get(action.id)), settleWithinMs);
      }
    };
    let recoverMs: number | undefined;
    if (proposals.length > 0 && (await until(() => actions.size > 0, proposeWithinMs))) {
      await decideOnOpen();
      recoverMs = [...actions.values()].map(effectFromMs).findLast((fromMs) => fromMs !== undefined);
    }
    const recoveredBy = recoverMs === undefined ? ("revert" as const) : ("action" as const);
    const revert = async () => {
      for (const { id } of faults.filter(isInjected)) await command({ revert: id });
    };
    if (recoverMs === undefined && anyInjected) {
      recoverMs = performance.now();
      await revert();
    }
    const ttlMs = Math.max(0, ...faults.map((fault) => fault.ttlMs));
    const cleared = cases.size > 0 && (await until(() => closedMs !== undefined, closeWithinMs + ttlMs));
    // What chaos still holds of them must not hinder what comes next.
    if (recoveredBy === "action") await revert();
    await until(() => faults.every((one) => !isInjected(one) || one.phases.has("reverted")), injectWithinMs);
    const clearMs = recoverMs === undefined || closedMs === undefined ? null : rounded(closedMs - recoverMs);
    const awaitsDecision = () => open().some(({ id }) => !decided.has(id));
    const ending = untilWell(run.subscribe, signal).then((why) => ({ why }));
    let ended: { why: string | undefined } | undefined;
    while (ended === undefined) {
      const first = await Promise.race([ending, until(awaitsDecision, 1_000)]);
      if (typeof first === "object") ended = first;
      else await decideOnOpen();
    }
    const unwell = ended.why;
    const tickets = [...cases.values()].map(({ ticket, openMs, diagnosedMs }): SeenTicket => ({
      ticket,
      openMs,
      diagnosedMs,
      diagnosis: diagnosisOf(ticket),
      action: [...actions.values()].find((action) => action.ticket === ticket.id),
    }));
    const outcome = outcomeOf({
      scenario: run.scenario,
      expects: run.expects,
      faults: seenFaults,
      tickets,
      cleared,
      unwell,
      recoveredBy,
      clearMs,
    });
    return { ...outcome, isWell: unwell === undefined, diagnoses: tickets.flatMap(({ diagnosis }) => diagnosis ?? []) };
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

function diagnosisOf(ticket: Ticket): Diagnosis | undefined {
  return ticket.attempts.findLast(({ status }) => status === "done")?.diagnosis;
}

/** A time of day on this process' monotonic clock. */
function monotonic(atMs: number): number {
  return atMs - performance.timeOrigin;
}
