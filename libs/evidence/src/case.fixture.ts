import { addressOf } from "@operator/contracts/channel";
import { flow } from "@operator/contracts/flow";
import { Job } from "@operator/contracts/job";
import type { Json } from "@operator/contracts/json";
import type { Logs } from "@operator/contracts/logs";
import { Snapshot } from "@operator/contracts/snapshot";
import { Ticket } from "@operator/contracts/ticket";
import { ticketIdOf } from "@operator/contracts/ticket-id";
import { LogsEvidence } from "@operator/contracts/tool-evidence";
import { Verdicts } from "@operator/contracts/verdicts";
import { type Detail, Violation } from "@operator/contracts/violation";
import type { CaseFile, RecentAction, SimilarTicket, StateChange } from "@operator/subject/case-file";
import type { TopologyTarget } from "@operator/subject/topology";
import { buildCaseFile } from "./case-file.ts";
import type { Document } from "./documents.ts";
import type { Kept } from "./facts.ts";
import type { KeptLogs } from "./log-lines.ts";
import type { Ground } from "./validate.ts";

/** When the breach of the cases in tests began. */
export const breachMs = 1_800_000_000_000;
const subject = "ratelimiter";

export type Parts = Record<string, Record<string, Json>>;

/** A snapshot whose sources have just read all that its parts show, but for the errors given as `<source>/<target>`. */
export function snapshotAt(atMs: number, parts: Parts, errors: Record<string, string> = {}): Snapshot {
  const reports = Object.entries(parts).map(([source, targets]) => {
    const entries = Object.keys(targets).map((target) => {
      const code = errors[`${source}/${target}`];
      const failure = { code, message: `${code} of ${target}`, sinceMs: atMs - 31_000 };
      return [target, code === undefined ? { readAtMs: atMs - 100 } : { readAtMs: atMs - 31_000, error: failure }];
    });
    return [source, { rhythmMs: 1_000, targets: Object.fromEntries(entries) }];
  });
  const sources: unknown = Object.fromEntries(reports);
  return Snapshot.parse({
    subject,
    epoch: 7,
    n: Math.floor(atMs % 1_000_000) + 1,
    atMs,
    cause: "rhythm",
    sources,
    parts,
  });
}

export function kept(snapshot: Snapshot): Kept {
  return { address: addressOf(flow.evidence, snapshot), snapshot };
}

/** What a diagnoser of the ticket's first attempt was told of logs. */
export function keptLogs({ id: ticket, violation }: Ticket, logs: Logs): KeptLogs {
  const atMs = violation.asOf + 2_000;
  const document = LogsEvidence.parse({ subject, ticket, attempt: 1, tool: "logs", atMs, logs });
  return { address: addressOf(flow.toolEvidence, document), document };
}

export interface Breach {
  invariant: string;
  target: string;
  detail?: Detail;
  /** Into the first bad snapshot, and the last good one. */
  pointers?: string[];
  bad?: Snapshot;
  good?: Snapshot;
  topology?: TopologyTarget[];
  /** Lines of the newest verdicts, said 2 s after the breach. */
  lines?: Record<string, unknown>[];
  timeline?: StateChange[];
  similar?: SimilarTicket[];
  /** What the observer said of the logs, 2 s after the breach. */
  logs?: Logs;
  actions?: RecentAction[];
  violation?: Partial<Violation>;
}

export function violationOf({ invariant, target, detail, pointers = [], bad, good, violation }: Breach): Violation {
  const sinceMs = bad?.atMs ?? breachMs;
  return Violation.parse({
    subject,
    invariant,
    target,
    state: "firing",
    severity: "critical",
    asOf: sinceMs,
    sinceMs,
    changedAtMs: sinceMs,
    occurrences: 1,
    summary: `${invariant} of ${target}`,
    detail: detail ?? { kind: "unreachable", how: "refused", silentMs: 20 },
    explainedBy: [],
    mayBeExplained: false,
    comebacks: 0,
    ...(bad && { firstBad: { address: kept(bad).address, atMs: bad.atMs, pointers } }),
    ...(good && { lastGood: { address: kept(good).address, atMs: good.atMs, pointers } }),
    ...violation,
  });
}

export function ticketOf(violation: Violation, generation = 1): Ticket {
  return Ticket.parse({
    id: ticketIdOf({ ...violation, generation }),
    subject,
    invariant: violation.invariant,
    target: violation.target,
    generation,
    revision: 1,
    reasons: ["first-seen"],
    status: "open",
    severity: violation.severity,
    openedAtMs: violation.sinceMs + 20,
    violation,
    occurrences: 1,
    diagnosis: "queued",
    attempts: [
      { attempt: 1, status: "queued", why: "opened", notBeforeMs: violation.sinceMs, queuedAtMs: violation.sinceMs },
    ],
    held: false,
    escalated: false,
    history: [],
    historyDropped: 0,
    sent: { revision: 0, attempt: 0 },
  });
}

export function jobOf({ id, severity, openedAtMs }: Ticket, attempt = 1): Job {
  return Job.parse({ subject, ticket: id, attempt, severity, queuedAtMs: openedAtMs, why: "opened" });
}

/** The case file of a breach, and what a diagnosis of it is held against. */
export function caseOf(breach: Breach): { file: CaseFile; ground: Ground; ticket: Ticket } {
  const { bad, good, topology = [], lines, timeline = [], similar = [], actions = [] } = breach;
  const violation = violationOf(breach);
  const ticket = ticketOf(violation);
  const nowMs = violation.asOf + 3_000;
  const snapshots = [bad, good].flatMap((snapshot) => (snapshot ? [kept(snapshot)] : []));
  const documents = new Map<string, Document>(snapshots.map(({ address, snapshot }) => [address, snapshot]));
  const logs = breach.logs && keptLogs(ticket, breach.logs);
  if (logs) documents.set(logs.address, logs.document);
  return {
    ticket,
    file: buildCaseFile({
      job: jobOf(ticket),
      ticket,
      firstBad: bad && kept(bad),
      lastGood: good && kept(good),
      verdicts: lines && Verdicts.parse({ subject, asOf: violation.sinceMs + 2_000, lines }),
      timeline,
      topology,
      similar,
      actions,
      logs,
      missing: [],
      nowMs,
    }),
    ground: {
      subject,
      ticket: ticket.id,
      violation,
      targets: topology.map(({ name }) => name),
      lookup: (address) => documents.get(address),
      nowMs,
    },
  };
}

/** A line of the verdicts. */
export function lineOf(invariant: string, target: string, state: string, sinceMs: number): Record<string, unknown> {
  const verdict = state === "ok" || state === "clearing" ? "ok" : state === "unknown" ? "unknown" : "violated";
  return { invariant, target, severity: "critical", verdict, state, sinceMs, reason: "", explainedBy: [], sources: [] };
}
