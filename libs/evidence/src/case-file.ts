import type { Job } from "@operator/contracts/job";
import type { Ticket } from "@operator/contracts/ticket";
import type { VerdictLine, Verdicts } from "@operator/contracts/verdicts";
import type { Violation } from "@operator/contracts/violation";
import type { CaseFile, RecentAction, SimilarTicket, StateChange } from "@operator/subject/case-file";
import type { TopologyTarget } from "@operator/subject/topology";
import { aboutOf } from "./about.ts";
import { differencesOf } from "./differences.ts";
import { asJson, factsOf, isTellable, type Kept } from "./facts.ts";
import { type KeptLogs, logLinesOf } from "./log-lines.ts";
import { redact } from "./secrets.ts";
import { nearestFirst } from "./targets.ts";
import { plainText } from "./telemetry.ts";

const changesMax = 100;
const timelineMax = 100;
const linesMax = 300;
const actionsMax = 20;
const leavesMax = 200_000;

/**
 * Puts together what a diagnosis rests on. Pure. Texts from the subject come out plain, short, and without what looks
 * like a secret, as whoever reads the file may be a model, and the subject may be hostile.
 */
export function buildCaseFile(given: {
  job: Job;
  ticket: Ticket;
  firstBad?: Kept | undefined;
  lastGood?: Kept | undefined;
  verdicts?: Verdicts | undefined;
  timeline: readonly StateChange[];
  topology: readonly TopologyTarget[];
  similar: readonly SimilarTicket[];
  logs?: KeptLogs | undefined;
  actions?: readonly RecentAction[];
  /** What couldn't be had, as the one who gathered it says. */
  missing: readonly string[];
  /** Of the caller's own environment. */
  secrets?: readonly string[];
  nowMs: number;
}): CaseFile {
  const { job, ticket, firstBad, lastGood, verdicts } = given;
  const { violation } = ticket;
  const clean = (text: string) => plainText(redact(text, given.secrets), 400);
  const about = aboutOf(violation);
  const near = nearestFirst(about, given.topology);
  const { facts, leftOut } = factsOf({ violation, firstBad, lastGood, near, secrets: given.secrets });
  const logs = logLinesOf(given.logs, facts, given.secrets);
  return {
    ticket: { id: ticket.id, openedAtMs: ticket.openedAtMs, attempt: job.attempt },
    violation: { ...violation, summary: clean(violation.summary) },
    atMs: given.nowMs,
    facts,
    factsLeftOut: leftOut,
    changes: changesOf(firstBad, lastGood, given.secrets),
    ...(verdicts && {
      verdicts: {
        asOf: verdicts.asOf,
        lines: tellingFirst(verdicts.lines, violation)
          .slice(0, linesMax)
          .map((line) => ({
            ...line,
            reason: clean(line.reason),
            sources: line.sources.map((each) => ({ ...each, ...(each.error && { error: clean(each.error) }) })),
          })),
      },
    }),
    timeline: [...given.timeline].sort((a, b) => a.atMs - b.atMs).slice(-timelineMax),
    topology: [...given.topology],
    similar: given.similar.slice(0, 3).map((each) => ({ ...each, headline: clean(each.headline) })),
    logs: logs.lines,
    reads: [],
    actions: [...(given.actions ?? [])].sort((a, b) => a.atMs - b.atMs).slice(-actionsMax),
    missing: [
      ...given.missing,
      ...logs.missing,
      ...(leftOut > 0 ? [`${leftOut} facts that lie farther from ${about} than the ${facts.length} looked at`] : []),
      ...(verdicts ? [] : ["the verdicts of the checker: none have been published"]),
    ],
  };
}

/** What the ticket is about, what else isn't well, and the rest: what the limit cuts off then says least. */
function tellingFirst(lines: readonly VerdictLine[], { invariant, target }: Violation): VerdictLine[] {
  const rank = (line: VerdictLine) => {
    if (line.invariant === invariant && line.target === target) return 0;
    return line.state === "ok" ? 2 : 1;
  };
  return lines.toSorted((a, b) => rank(a) - rank(b));
}

function changesOf(
  firstBad: Kept | undefined,
  lastGood: Kept | undefined,
  secrets: readonly string[] | undefined,
): CaseFile["changes"] {
  if (!firstBad || !lastGood) return [];
  return differencesOf(asJson(lastGood.snapshot), asJson(firstBad.snapshot), leavesMax)
    .filter(({ pointer, before = null, after = null }) =>
      [before, after].every((value) => isTellable(pointer, value, secrets)),
    )
    .slice(0, changesMax);
}
