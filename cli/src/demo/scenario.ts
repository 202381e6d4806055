import { setTimeout as wait } from "node:timers/promises";
import type { Diagnosis } from "@operator/contracts/diagnosis";
import type { Ticket } from "@operator/contracts/ticket";
import type { Fault } from "./fault.ts";
import type { Seen } from "./watch.ts";

/** What a scenario came to: one line of the demo's summary. Every claim is computed from what was seen on the bus. */
export interface Outcome {
  fault: string;
  target: string;
  /** Fault → ticket open, in ms; null when none opened in time. */
  detectMs: number | null;
  /** Fault → diagnosis on the ticket, in ms. */
  diagnoseMs: number | null;
  /** Tickets opened since the fault; one is right. */
  tickets: number;
  engine: string | null;
  rootCause: { category: string; target: string } | null;
  /** Facts cited and verified. */
  evidence: number;
  /** Fresh observations closed the ticket. */
  cleared: boolean;
  /** Revert → ticket closed, in ms. */
  clearMs: number | null;
  recoveredBy: "revert";
  ok: boolean;
  /** What wasn't as it should be. */
  wrong: string[];
}

/** An outcome with the diagnosis that it judged, for reading. */
export type Finished = Outcome & { diagnosis?: Diagnosis };

export interface Story {
  /** Somebody did or saw something; `atMs` on the monotonic clock. */
  tell: (event: { atMs: number; by: string; text: string; ticket?: string }) => void;
}

/** Breaks a member, and follows what the loop makes of it until the ticket is closed. `subscribe` delivers what's seen on the bus. */
export async function runScenario(
  fault: Fault,
  subscribe: (listener: (seen: Seen) => void) => () => void,
  story: Story,
  signal: AbortSignal,
): Promise<Finished> {
  const tickets = new Map<string, Ticket>();
  const first: { openMs?: number; diagnosedMs?: number; closedMs?: number } = {};
  const told = new Set<string>();
  let wake = () => {};
  let faultMs = Number.POSITIVE_INFINITY;

  /** Tells each thing once, however often it's repeated on the bus. */
  const once = (key: string, event: Parameters<Story["tell"]>[0]) => {
    if (!told.has(key)) story.tell(event);
    told.add(key);
  };
  const unsubscribe = subscribe((seen) => {
    const { atMs } = seen;
    if (seen.kind === "violation") {
      const { invariant, target, state, sinceMs, summary, explainedBy } = seen.message;
      const explained = explainedBy.length > 0 ? `, explained by ${explainedBy.join(", ")}: no ticket of its own` : "";
      once(`${invariant}/${target}/${state}/${sinceMs}`, {
        atMs,
        by: "checker",
        text: `${invariant} of ${target} is ${state}: ${summary}${explained}`,
      });
    } else if (seen.kind === "ticket") {
      const ticket = seen.message;
      const before = tickets.get(ticket.id);
      tickets.set(ticket.id, ticket);
      if (!before) once(`${ticket.id}/open`, { atMs, by: "ticketer", text: "ticket opened", ticket: ticket.id });
      if (ticket.status === "closed")
        once(`${ticket.id}/closed`, {
          atMs,
          by: "ticketer",
          text: `ticket closed by ${ticket.closedBy ?? "nobody"}`,
          ticket: ticket.id,
        });
      first.openMs ??= atMs;
      if (ticket.diagnosis === "done" || ticket.diagnosis === "ungrounded" || ticket.diagnosis === "failed")
        first.diagnosedMs ??= atMs;
      if ([...tickets.values()].every(({ status }) => status === "closed")) first.closedMs = atMs;
      else delete first.closedMs;
    } else if (seen.kind === "diagnosis" && seen.message.phase === "finished") {
      const { ticket, by, result } = seen.message;
      const text =
        result.kind === "failed"
          ? `no diagnosis: ${result.code}: ${result.message}`
          : `${result.kind === "ungrounded" ? "ungrounded: " : ""}${result.diagnosis.answer.headline}`;
      once(`${ticket}/${seen.message.attempt}/finished`, { atMs, by, text, ticket });
    } else if (seen.kind === "snapshot" && seen.message.cause === "change") {
      once(`snapshot/${seen.message.epoch}/${seen.message.n}`, {
        atMs,
        by: "observer",
        text: "a probe changed its mind: a snapshot goes out at once",
      });
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

  try {
    faultMs = performance.now();
    story.tell({ atMs: faultMs, by: "demo", text: fault.inject() });
    await until(() => first.openMs !== undefined, 15_000);
    await until(() => first.diagnosedMs !== undefined, 15_000);
    const diagnosed = [...tickets.values()][0];
    // Long enough for a storm of symptoms to show itself, had there been one.
    await until(() => false, 2_500);
    const revertMs = performance.now();
    story.tell({ atMs: revertMs, by: "demo", text: await fault.revert() });
    const cleared = await until(() => first.closedMs !== undefined, 60_000);
    return outcomeOf(fault, [...tickets.values()], diagnosed, cleared, {
      detectMs: since(faultMs, first.openMs),
      diagnoseMs: since(faultMs, first.diagnosedMs),
      clearMs: since(revertMs, first.closedMs),
    });
  } finally {
    unsubscribe();
  }
}

const since = (from: number, to: number | undefined) => (to === undefined ? null : Math.round((to - from) * 10) / 10);

function outcomeOf(
  fault: Fault,
  tickets: Ticket[],
  ticket: Ticket | undefined,
  cleared: boolean,
  times: Pick<Outcome, "detectMs" | "diagnoseMs" | "clearMs">,
): Finished {
  const diagnosis: Diagnosis | undefined = ticket?.attempts.findLast(({ status }) => status === "done")?.diagnosis;
  const cause = diagnosis?.answer.rootCauses[0];
  const closedByObservation = cleared && tickets.every(({ closedBy }) => closedBy === "observation");
  const wrong = [
    times.detectMs === null && "no ticket opened",
    tickets.length !== 1 &&
      `${tickets.length} tickets instead of one: ${tickets.map(({ id }) => id).join(", ") || "none"}`,
    ticket !== undefined &&
      ticket.target !== fault.target &&
      `the ticket is about ${ticket.target}, not ${fault.target}`,
    diagnosis === undefined && "no diagnosis whose citations were verified",
    diagnosis !== undefined && diagnosis.answer.evidence.length === 0 && "the diagnosis cites nothing",
    cause?.category !== fault.category && `the root cause named is ${cause?.category ?? "none"}, not ${fault.category}`,
    cause?.target !== fault.target &&
      `the root cause is sought at ${cause?.target ?? "nothing"}, not at ${fault.target}`,
    !cleared && "the ticket didn't close",
    cleared && !closedByObservation && "the ticket was closed by something else than fresh observations",
  ].filter((complaint) => complaint !== false);
  return {
    fault: fault.name,
    target: fault.target,
    ...times,
    tickets: tickets.length,
    engine: diagnosis?.engine.kind ?? null,
    rootCause: cause ? { category: cause.category, target: cause.target } : null,
    evidence: diagnosis?.answer.evidence.length ?? 0,
    cleared: closedByObservation,
    recoveredBy: "revert",
    ok: wrong.length === 0,
    wrong,
    ...(diagnosis ? { diagnosis } : {}),
  };
}
