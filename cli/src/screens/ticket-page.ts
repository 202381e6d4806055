import type { Attempt, Ticket } from "@operator/contracts/ticket";
import type { EvidenceReference, Violation } from "@operator/contracts/violation";
import { renderDiagnosis } from "@operator/evidence/render";
import { agoOf, lengthOf, timeOf } from "../terminal/ages.ts";
import { markdownLines } from "../terminal/markdown.ts";
import { entry, type Line, paragraph, span } from "../terminal/page.ts";
import { historyLines } from "./history-lines.ts";
import { ticketSpan } from "./words.ts";

export interface TicketPageOptions {
  nowMs: number;
  columns: number;
  /** How the command is typed here. */
  program: string;
}

/** A ticket as a page that a person can follow: what is broken, what happened, why, what to type next. */
export function ticketPage(ticket: Ticket, options: TicketPageOptions): Line[] {
  const { columns } = options;
  return [
    ...header(ticket, options),
    [],
    [span(ticket.status === "open" ? "What is broken now" : "What was broken", "title")],
    ...brokenLines(ticket.violation, ticket.occurrences, options),
    [],
    [span("What happened", "title")],
    ...historyLines(ticket.history, options, ticket.historyDropped),
    [],
    ...(ticket.attempts.length === 0
      ? [[span("Diagnosis", "title")], ...paragraph(noDiagnosis(ticket), columns, 2)]
      : ticket.attempts.flatMap((attempt, at) => [...(at === 0 ? [] : [[]]), ...attemptLines(attempt, options)])),
    [],
    [span("What to type next", "title")],
    ...nextLines(ticket, options),
  ];
}

function header(ticket: Ticket, { nowMs, columns }: TicketPageOptions): Line[] {
  const marks = [
    ticket.severity,
    ticket.acknowledgedBy !== undefined && `acknowledged by ${ticket.acknowledgedBy}`,
    ticket.held && "held: no closing, no job",
    ticket.escalated && "escalated: needs a person",
  ].filter((part) => part !== false);
  const lines: Line[] = [
    [span(ticket.id, "title")],
    [ticketSpan({ status: ticket.status, state: ticket.violation.state }), ` · ${marks.join(" · ")}`],
    ...entry("opened", timeOf(ticket.openedAtMs, nowMs), columns),
  ];
  if (ticket.closedAtMs !== undefined) {
    const by =
      ticket.closedBy === "observation"
        ? "fresh observations proved it whole"
        : `forced by ${ticket.closedBy ?? "nobody"}`;
    const lasted = lengthOf(ticket.closedAtMs - ticket.openedAtMs);
    lines.push(...entry("closed", `${timeOf(ticket.closedAtMs, nowMs)}, after ${lasted}; ${by}`, columns));
  }
  return lines;
}

function brokenLines(violation: Violation, occurrences: number, { nowMs, columns }: TicketPageOptions): Line[] {
  const line = (name: string, text: string) => entry(name, text, columns);
  const lines = [
    ...line(violation.target, violation.summary),
    ...line("broken since", timeOf(violation.sinceMs, nowMs)),
    ...line(violation.state, `since ${timeOf(violation.changedAtMs, nowMs)}`),
    ...line("how", detailOf(violation.detail)),
    ...line(
      "seen broken",
      `in ${occurrences} snapshot${occurrences === 1 ? "" : "s"}, last word ${timeOf(violation.asOf, nowMs)}`,
    ),
  ];
  if (violation.comebacks > 0)
    lines.push(...line("comes back", `${violation.comebacks} times within the 10 minutes before`));
  if (violation.explainedBy.length > 0) lines.push(...line("explained by", violation.explainedBy.join(", ")));
  for (const [name, evidence] of [
    ["last good", violation.lastGood],
    ["first bad", violation.firstBad],
  ] as const) {
    if (evidence) lines.push(...line(name, `${timeOf(evidence.atMs, nowMs)}: ${evidence.pointers.join(", ")}`));
  }
  return lines;
}

function showEvidence({ address, pointers }: EvidenceReference): string {
  const [pointer] = pointers;
  return `snapshots show --at ${address}${pointer === undefined ? "" : ` --pointer ${quoted(pointer)}`}`;
}

/** As a shell takes it for one word. */
function quoted(text: string): string {
  return /^[\w/.=:~-]+$/.test(text) ? text : `'${text.replaceAll("'", String.raw`'\''`)}'`;
}

function detailOf(detail: Violation["detail"]): string {
  switch (detail.kind) {
    case "unreachable":
      return detail.how === "refused"
        ? `its port refuses connections, for ${lengthOf(detail.silentMs)}`
        : `it says nothing, for ${lengthOf(detail.silentMs)}`;
    case "threshold":
      return `${detail.value} ${detail.unit}, the limit is ${detail.limit} ${detail.unit}`;
    case "state":
      return `${detail.value}, expected ${detail.expected}`;
    case "blind":
      return `${detail.source} can't see ${detail.about}: ${detail.code}`;
    case "silent_service":
    default:
      return `nothing came from ${detail.service} for ${lengthOf(detail.silentMs)}`;
  }
}

/** One attempt at diagnosing, with its answer when there is one. */
export function attemptLines(attempt: Attempt, options: TicketPageOptions): Line[] {
  const { columns, nowMs } = options;
  const { diagnosis, failure } = attempt;
  const from = attempt.startedAtMs ?? attempt.queuedAtMs;
  const took = attempt.endedAtMs === undefined ? "" : ` in ${lengthOf(attempt.endedAtMs - from)}`;
  const by = attempt.by === undefined ? "" : ` by ${attempt.by}`;
  const lines: Line[] = [
    [span("Diagnosis", "title"), `  attempt ${attempt.attempt}, ${attempt.status}${by}${took}`],
    ...(attempt.endedAtMs === undefined ? paragraph(waitsFor(attempt, nowMs), columns, 2) : []),
  ];
  if (failure) lines.push(...paragraph(`no answer: ${failure.message} (${failure.code})`, columns, 2, "warn"));
  if (attempt.status === "ungrounded")
    lines.push(
      ...paragraph("not grounded: it cites what can't be verified, so nothing may rest on it", columns, 2, "warn"),
    );
  if (diagnosis) lines.push([], ...markdownLines(renderDiagnosis(diagnosis, attempt.rejections), columns, 2));
  return lines;
}

function waitsFor(attempt: Attempt, nowMs: number): string {
  if (attempt.status === "running")
    return `a diagnoser works on it since ${timeOf(attempt.startedAtMs ?? attempt.queuedAtMs, nowMs)}`;
  if (attempt.status === "waiting" && attempt.waiting) {
    const { sinceMs, untilMs, why } = attempt.waiting;
    return `the model makes it wait since ${timeOf(sinceMs, nowMs)}: ${why}; it gives up ${timeOf(untilMs, nowMs)}`;
  }
  if (attempt.notBeforeMs > nowMs)
    return `begins ${agoOf(attempt.notBeforeMs, nowMs)}: something else may explain it first`;
  return `queued since ${timeOf(attempt.queuedAtMs, nowMs)}: is a diagnoser running?`;
}

function noDiagnosis(ticket: Ticket): string {
  if (ticket.held) return "none: the ticket is held";
  if (ticket.status === "closed") return "none: it was closed before one was asked for";
  return "none was asked for yet";
}

function nextLines(ticket: Ticket, { program }: TicketPageOptions): Line[] {
  const { id } = ticket;
  const isOver = ticket.violation.state === "cleared" || ticket.violation.state === "retired";
  const commands: string[] = [];
  if (ticket.status === "open") {
    commands.push(`tickets show ${id} --follow`);
    if (ticket.acknowledgedBy === undefined) commands.push(`tickets ack ${id}`);
    commands.push(ticket.held ? `tickets unhold ${id}` : `tickets hold ${id} --reason "…"`);
    commands.push(`tickets resolve ${id} --reason "…"${isOver ? "" : " --force"}`);
  }
  const { firstBad, lastGood } = ticket.violation;
  if (firstBad) commands.push(showEvidence(firstBad));
  if (lastGood) commands.push(showEvidence(lastGood));
  commands.push(`tickets comment ${id} --text "…"`, `status --subject ${ticket.subject}`);
  // Not broken into lines: what a terminal wraps by itself can be copied whole.
  return commands.map((command) => ["  ", span(`${program} ${command}`, "code")]);
}
