import type { Action } from "@operator/contracts/action";
import type { FaultEvent } from "@operator/contracts/chaos";
import type { Diagnosis } from "@operator/contracts/diagnosis";
import type { Ticket } from "@operator/contracts/ticket";

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
  /** The action that was proposed first. */
  action: string | null;
  /** The checker's word proved that it helped. */
  verified: boolean;
  /** Fresh observations closed the ticket. */
  cleared: boolean;
  /** Recovery → ticket closed, in ms. */
  clearMs: number | null;
  /** What put it right: the operator's own action, or the end of the fault. */
  recoveredBy: "action" | "revert";
  ok: boolean;
  /** What wasn't as it should be. */
  wrong: string[];
}

/** An outcome with the diagnosis that it judged, for reading. */
export type Finished = Outcome & { diagnosis?: Diagnosis };

/** Judges a scenario: every claim of its line has to hold. */
export function outcomeOf(seen: {
  fault: string;
  target: string;
  cause: string;
  refused: FaultEvent | undefined;
  tickets: Ticket[];
  diagnosis: Diagnosis | undefined;
  action: Action | undefined;
  cleared: boolean;
  recoveredBy: Outcome["recoveredBy"];
  detectMs: number | null;
  diagnoseMs: number | null;
  clearMs: number | null;
}): Finished {
  const { fault, target, tickets, diagnosis, action, recoveredBy } = seen;
  const cause = diagnosis?.answer.rootCauses[0];
  const cleared = seen.cleared && tickets.every(({ closedBy }) => closedBy === "observation");
  const last = action?.steps.at(-1);
  const wrong = [
    seen.refused && `chaos made no fault: ${seen.refused.code ?? seen.refused.phase}: ${seen.refused.text}`,
    seen.detectMs === null && "no ticket opened",
    tickets.length !== 1 &&
      `${tickets.length} tickets instead of one: ${tickets.map(({ id }) => id).join(", ") || "none"}`,
    ...tickets.filter((each) => each.target !== target).map((each) => `ticket ${each.id} is not about ${target}`),
    diagnosis === undefined && "no diagnosis whose citations were verified",
    diagnosis !== undefined && diagnosis.answer.evidence.length === 0 && "the diagnosis cites nothing",
    cause?.category !== seen.cause && `the root cause named is ${cause?.category ?? "none"}, not ${seen.cause}`,
    cause?.target !== target && `the root cause is sought at ${cause?.target ?? "nothing"}, not at ${target}`,
    action !== undefined &&
      action.state !== "verified" &&
      `${action.proposal.action} was proposed and is ${action.state}: ${last?.code ?? ""} ${last?.text ?? ""}`,
    action !== undefined &&
      recoveredBy !== "action" &&
      "the fault's end put it right, not the action that was proposed",
    !seen.cleared && "the ticket didn't close",
    seen.cleared && !cleared && "the ticket was closed by something else than fresh observations",
  ].filter((complaint) => typeof complaint === "string");
  return {
    fault,
    target,
    detectMs: seen.detectMs,
    diagnoseMs: seen.diagnoseMs,
    tickets: tickets.length,
    engine: diagnosis?.engine.kind ?? null,
    rootCause: cause ? { category: cause.category, target: cause.target } : null,
    evidence: diagnosis?.answer.evidence.length ?? 0,
    action: action?.proposal.action ?? null,
    verified: action?.state === "verified",
    cleared,
    clearMs: seen.clearMs,
    recoveredBy,
    ok: wrong.length === 0,
    wrong,
    ...(diagnosis ? { diagnosis } : {}),
  };
}
