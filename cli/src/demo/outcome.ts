import type { Action } from "@operator/contracts/action";
import type { FaultEvent } from "@operator/contracts/chaos";
import type { Diagnosis } from "@operator/contracts/diagnosis";
import type { Ticket } from "@operator/contracts/ticket";

/** What became of one fault of a scenario. */
export interface Root {
  fault: string;
  /** As the loop names it: chaos kills `tikv-1`, the loop sees `store-4`. */
  target: string;
  /** What the ticket is about; null when none opened. */
  invariant: string | null;
  /** Fault → ticket open, in ms; null when none opened in time. */
  detectMs: number | null;
  /** Fault → diagnosis on the ticket, in ms. */
  diagnoseMs: number | null;
  engine: string | null;
  rootCause: { category: string; target: string } | null;
  /** Facts cited and verified. */
  evidence: number;
  /** The action that was proposed first. */
  action: string | null;
  /** The checker's word proved that it helped. */
  verified: boolean;
}

/** What a remedy left behind, and what became of that once the fault was over. */
export interface Leftover {
  invariant: string;
  target: string;
  action: string | null;
  verified: boolean;
}

/** What a scenario came to: one line of the demo's summary. Every claim is computed from what was seen on the bus. */
export interface Outcome {
  scenario: string;
  roots: Root[];
  /** Of remedies that were used: each with a ticket of its own. */
  leftovers: Leftover[];
  /**
   * Tickets opened from the first fault until everything was ok again; one per fault and leftover is right, none where
   * nothing is broken.
   */
  tickets: number;
  /** Fresh observations closed them. */
  cleared: boolean;
  /** Recovery → all tickets closed, in ms. */
  clearMs: number | null;
  /** What put it right: the operator's own actions, or the faults' end. */
  recoveredBy: "action" | "revert";
  ok: boolean;
  /** What wasn't as it should be. */
  wrong: string[];
}

/** One fault as it was seen. Times on the monotonic clock, in ms. */
export interface SeenFault {
  fault: string;
  target: string;
  /** The root cause that a right diagnosis names. */
  cause: string;
  /** The invariant that tells of what the remedy leaves behind; undefined: nothing is left. */
  leaves: string | undefined;
  faultMs: number;
  refused: FaultEvent | undefined;
}

/** One ticket as it was seen. */
export interface SeenTicket {
  ticket: Ticket;
  openMs: number;
  diagnosedMs: number | undefined;
  diagnosis: Diagnosis | undefined;
  action: Action | undefined;
}

/** Judges a scenario: every claim of its line has to hold. */
export function outcomeOf(seen: {
  scenario: string;
  expects: "roots" | "quiet";
  faults: SeenFault[];
  tickets: SeenTicket[];
  cleared: boolean;
  /** What wasn't ok again in the end. */
  unwell: string | undefined;
  recoveredBy: Outcome["recoveredBy"];
  clearMs: number | null;
}): Outcome {
  const { scenario, expects, faults, tickets, recoveredBy } = seen;
  const left =
    recoveredBy === "action" && expects === "roots" ? faults.flatMap((fault) => leftoverOf(fault, tickets)) : [];
  const wanted = expects === "roots" ? faults.length + left.length : 0;
  const ids = tickets.map(({ ticket }) => ticket.id).join(", ") || "none";
  const judged = expects === "roots" ? faults.map((fault) => rootOf(fault, tickets, recoveredBy)) : [];
  const abouts = new Set(faults.map(({ target }) => target));
  const cleared = seen.cleared && tickets.every(({ ticket }) => ticket.closedBy === "observation");
  const wrong = [
    ...faults.map(({ refused }) => refused && `chaos made no fault: ${refused.code ?? refused.phase}: ${refused.text}`),
    ...judged.flatMap((each) => each.wrong),
    ...left
      .filter(({ verified }) => !verified)
      .map(
        ({ invariant, target }) => `what the remedy left, ${invariant} of ${target}, was not put right by an action`,
      ),
    tickets.length !== wanted && `${tickets.length} tickets instead of ${wanted}: ${ids}`,
    ...tickets
      .filter(({ ticket }) => !abouts.has(ticket.target))
      .map(({ ticket }) => `ticket ${ticket.id} is not about ${[...abouts].join(" or ")}`),
    wanted > 0 && !seen.cleared && "not every ticket closed",
    seen.unwell,
    ...tickets
      .filter(({ ticket }) => wanted > 0 && seen.cleared && ticket.closedBy !== "observation")
      .map(({ ticket }) => `ticket ${ticket.id} is ${ticket.closedBy ? `closed by ${ticket.closedBy}` : "still open"}`),
  ].filter((complaint) => typeof complaint === "string");
  return {
    scenario,
    roots: judged.map(({ root }) => root),
    leftovers: left,
    tickets: tickets.length,
    cleared,
    clearMs: seen.clearMs,
    recoveredBy,
    ok: wrong.length === 0,
    wrong,
  };
}

function rootOf(
  { fault, target, cause, faultMs }: SeenFault,
  tickets: SeenTicket[],
  recoveredBy: Outcome["recoveredBy"],
): { root: Root; wrong: (string | false)[] } {
  const own = tickets.find(({ ticket }) => ticket.target === target);
  const said = own?.diagnosis?.answer;
  const named = said?.rootCauses[0];
  const action = own?.action;
  const last = action?.steps.at(-1);
  const wrong = [
    own === undefined && `no ticket about ${target} opened`,
    own !== undefined && said === undefined && `no diagnosis of ${target} whose citations were verified`,
    said !== undefined && said.evidence.length === 0 && `the diagnosis of ${target} cites nothing`,
    said !== undefined &&
      named?.category !== cause &&
      `the root cause named is ${named?.category ?? "none"}, not ${cause}`,
    said !== undefined &&
      named?.target !== target &&
      `the root cause is sought at ${named?.target ?? "nothing"}, not at ${target}`,
    action !== undefined &&
      action.state !== "verified" &&
      `${action.proposal.action} was proposed and is ${action.state}: ${last?.code ?? ""} ${last?.text ?? ""}`,
    action !== undefined &&
      recoveredBy !== "action" &&
      "the fault's end put it right, not the action that was proposed",
  ];
  const root: Root = {
    fault,
    target,
    invariant: own?.ticket.invariant ?? null,
    detectMs: own ? rounded(own.openMs - faultMs) : null,
    diagnoseMs: own?.diagnosedMs === undefined ? null : rounded(own.diagnosedMs - faultMs),
    engine: own?.diagnosis?.engine.kind ?? null,
    rootCause: named ? { category: named.category, target: named.target } : null,
    evidence: said?.evidence.length ?? 0,
    action: action?.proposal.action ?? null,
    verified: action?.state === "verified",
  };
  return { root, wrong };
}

function leftoverOf({ leaves, target }: SeenFault, tickets: SeenTicket[]): Leftover[] {
  if (leaves === undefined) return [];
  const own = tickets.find(({ ticket }) => ticket.invariant === leaves && ticket.target === target);
  const action = own?.action;
  return [
    { invariant: leaves, target, action: action?.proposal.action ?? null, verified: action?.state === "verified" },
  ];
}

/** Tenths of a millisecond. */
export function rounded(durationMs: number): number {
  return Math.round(durationMs * 10) / 10;
}
