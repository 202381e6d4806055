import { type Answer, Diagnosis, type Rejection } from "@operator/contracts/diagnosis";
import type { Fact } from "@operator/contracts/evidence";
import type { Json } from "@operator/contracts/json";
import { ticketIdOf, type TicketId } from "@operator/contracts/ticket-id";
import type { Violation } from "@operator/contracts/violation";
import { type Document, kindOfAddress } from "./documents.ts";
import { isDeeperThan } from "./quote.ts";
import { reject, shown } from "./rejection.ts";
import { ofCitations, ofEvidence, ofFacts } from "./validate-citations.ts";

const levelsMax = 40;
const rejectionsMax = 50;
/** How long before the earliest snapshot cited a timeline may begin: what led to a breach is seldom older. */
export const timelineBeforeMs = 120_000;

/** Times of a case come from several hosts: so far may their clocks differ. */
const clockSkewMaxMs = 60_000;

/** What a diagnosis is held against. */
export interface Ground {
  subject: string;
  ticket: TicketId;
  violation: Violation;
  /** The targets of the subject's topology; the ticket's own target always counts. */
  targets: readonly string[];
  /** The actions of the subject's catalogue, by name. */
  actions?: readonly string[];
  /** Why these aren't parameters of that action, undefined when they are. Without it only the action's name is checked. */
  checkParameters?: (action: string, parameters: Record<string, Json>) => string | undefined;
  /** A document of EVIDENCE, undefined when there is none at this address. */
  lookup: (address: string) => Document | undefined;
  /** Nothing in a timeline lies later than a minute after this time. */
  nowMs: number;
}

/**
 * Holds every claim of a diagnosis against the evidence itself. No rejections: each citation can be looked up again.
 * Pure, and throws on no input, however hostile.
 */
export function validate(diagnosis: unknown, ground: Ground): Rejection[] {
  if (isDeeperThan(diagnosis, levelsMax)) {
    return [reject("DIAGNOSIS_TOO_DEEP", "", `nests deeper than ${levelsMax} levels`)];
  }
  const parsed = Diagnosis.safeParse(diagnosis);
  if (!parsed.success) {
    const issues = parsed.error.issues.slice(0, rejectionsMax);
    return issues.map(({ path, message }) => reject("DIAGNOSIS_MALFORMED", path.join("."), message));
  }
  const { answer, facts } = parsed.data;
  return [
    ...ofTicket(ground),
    ...ofFacts(facts, ground, ground.lookup),
    ...ofEvidence(answer, facts),
    ...ofCitations(answer),
    ...ofTargets(answer, ground),
    ...ofRootCauses(answer, facts, ground),
    ...ofTimeline(answer, facts, ground),
    ...ofProposals(answer, ground),
  ].slice(0, rejectionsMax);
}

function ofTicket({ subject, ticket, violation }: Ground): Rejection[] {
  const generation = Number(ticket.slice(ticket.lastIndexOf(".") + 1));
  if (violation.subject === subject && ticketIdOf({ ...violation, generation }) === ticket) return [];
  return [reject("TICKET_MISMATCH", "", `ticket ${ticket} is not about the violation that it is held against`)];
}

function ofTargets({ rootCauses, alternatives, proposals }: Answer, { targets, violation }: Ground): Rejection[] {
  const known = new Set<string>([...targets, violation.target]);
  return [
    ...rootCauses.map(({ target }, at) => ({ target, path: `answer.rootCauses.${at}.target` })),
    ...alternatives.map(({ cause }, at) => ({ target: cause.target, path: `answer.alternatives.${at}.cause.target` })),
    ...proposals.map(({ target }, at) => ({ target, path: `answer.proposals.${at}.target` })),
  ]
    .filter(({ target }) => !known.has(target))
    .map(({ target, path }) => reject("TARGET_UNKNOWN", path, `${shown(target)} is no target of the topology`));
}

/** The verdict and its causes say the same, and a fault rests on evidence about its target and on the ticket's own. */
function ofRootCauses(
  { verdict, rootCauses, confidence, evidence }: Answer,
  facts: Fact[],
  ground: Ground,
): Rejection[] {
  const rejections: Rejection[] = [];
  const allowed = { fault: undefined, no_fault: "none", unknown: "unknown" }[verdict];
  rootCauses.forEach(({ category, target, evidence }, at) => {
    const path = `answer.rootCauses.${at}`;
    const contradicts = allowed ? category !== allowed : category === "none" || category === "unknown";
    if (contradicts) {
      rejections.push(reject("VERDICT_CONTRADICTED", `${path}.category`, `${verdict} can't be caused by ${category}`));
    }
    if (verdict !== "fault") return;
    if (evidence.length === 0) {
      rejections.push(reject("CAUSE_UNGROUNDED", `${path}.evidence`, `the cause at ${shown(target)} cites nothing`));
    } else if (target !== ground.violation.target && !evidence.some((id) => isAbout(facts, id, target, ground))) {
      const message = `no fact of a snapshot that the cause cites is about ${shown(target)}`;
      rejections.push(reject("CAUSE_OFF_TARGET", `${path}.evidence`, message));
    }
  });
  if (verdict === "fault" && rootCauses.length === 0) {
    rejections.push(reject("CAUSE_MISSING", "answer.rootCauses", "a fault has a cause; else the verdict is unknown"));
  }
  if (verdict === "unknown" && confidence > 0.5) {
    const message = `${confidence} is much confidence for not knowing; at most 0.5`;
    rejections.push(reject("CONFIDENCE_CONTRADICTED", "answer.confidence", message));
  }
  const own = ground.violation.firstBad ?? ground.violation.lastGood;
  const cited = verdict === "fault" ? rootCauses.flatMap((cause) => cause.evidence) : evidence.map(({ id }) => id);
  const citesOwn = facts.some(({ id, address }) => cited.includes(id) && address === own?.address);
  if (verdict !== "unknown" && !citesOwn) {
    const message = own ? `nothing of ${own.address} is cited` : "the ticket has no evidence, so nothing can be known";
    rejections.push(reject("OWN_EVIDENCE_MISSING", "answer.evidence", message));
  }
  return rejections;
}

/** Does the fact's pointer name this target? What a target writes of itself isn't enough: it may be anything. */
function isAbout(facts: Fact[], id: string, target: string, ground: Ground): boolean {
  const segment = target.replaceAll("~", "~0").replaceAll("/", "~1");
  return facts.some(
    ({ id: each, address, pointer }) =>
      each === id && kindOfAddress(address, ground) === "evidence" && pointer.split("/").includes(segment),
  );
}

function ofTimeline({ timeline }: Answer, facts: Fact[], { violation, nowMs }: Ground): Rejection[] {
  const fromMs = Math.min(violation.sinceMs, ...facts.map(({ atMs }) => atMs)) - timelineBeforeMs;
  return timeline.flatMap(({ atMs, evidence }, at): Rejection[] => {
    // A time that a cited fact itself gives may be older: a node that answered last an hour ago did.
    const isCited = facts.some(({ id, value }) => evidence.includes(id) && value === atMs);
    if (atMs <= nowMs + clockSkewMaxMs && (atMs >= fromMs || isCited)) return [];
    const message = `${atMs} is not between ${fromMs} and ${nowMs}, nor the value of a fact that it cites`;
    return [reject("TIME_OUT_OF_RANGE", `answer.timeline.${at}.atMs`, message)];
  });
}

function ofProposals({ proposals }: Answer, { actions = [], checkParameters }: Ground): Rejection[] {
  return proposals.flatMap(({ action, parameters }, at): Rejection[] => {
    const path = `answer.proposals.${at}`;
    if (!actions.includes(action)) {
      const message = `${shown(action)} is not in the catalogue, which has ${actions.join(", ") || "no actions"}`;
      return [reject("ACTION_UNKNOWN", `${path}.action`, message)];
    }
    const complaint = complaintOf(() => checkParameters?.(action, parameters));
    return complaint === undefined ? [] : [reject("PARAMETERS_INVALID", `${path}.parameters`, complaint)];
  });
}

/** A room's schema is code that meets hostile input here: when it throws, it has refused. */
function complaintOf(check: () => string | undefined): string | undefined {
  try {
    return check();
  } catch (error) {
    return `the action's schema failed on them: ${String(error)}`;
  }
}
