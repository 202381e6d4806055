import type { DiagnosisEvent, Rejection } from "@operator/contracts/diagnosis";
import type { Attempt, HistoryEntry, Ticket } from "@operator/contracts/ticket";
import { plainText } from "@operator/evidence/telemetry";
import { remember } from "./history.ts";
import { attemptsMax, settle } from "./settle.ts";
import type { Applied, Reason, TicketEvent } from "./ticket-event.ts";

/** Three of this size, the history and the rest still fit a message of the bus. */
const diagnosisBytesMax = 256 * 1024;
const rejectionsMax = 50;

/**
 * What a diagnoser's word makes of a ticket. It's hostile input: a `done` counts only when the validator, run here on the
 * evidence itself, finds nothing. The first end of an attempt stays; it also proves that the job was sent.
 */
export function applyDiagnosis(
  head: Ticket | undefined,
  { said, storedAtMs, rejectionsOf }: Extract<TicketEvent, { kind: "diagnosis" }>,
  nowMs: number,
): Applied {
  const quiet = { ticket: head, reasons: [] };
  if (head === undefined || head.id !== said.ticket || said.attempt > attemptsMax) return quiet;
  const known = head.attempts.find(({ attempt }) => attempt === said.attempt) ?? unasked(said, storedAtMs);
  if (isRepeat(known, said)) return quiet;

  const attempt = told(known, said, storedAtMs, () => rejectionsOf(head));
  const others = head.attempts.filter((each) => each.attempt !== said.attempt);
  const next: Ticket = {
    ...head,
    ...remember(head, [entryOf(attempt, said, storedAtMs)]),
    attempts: [...others, attempt].sort((a, b) => a.attempt - b.attempt),
    sent: { ...head.sent, attempt: Math.max(head.sent.attempt, said.attempt) },
  };
  const ticket = settle(next, nowMs);
  const reason = said.phase === "finished" ? reasonOf(attempt.status) : said.phase;
  return { ticket, reasons: [reason, ...(ticket.escalated && !head.escalated ? ["escalated" as const] : [])] };
}

/** An attempt whose job was taken back after it had left: the ticket closed meanwhile. */
function unasked({ attempt }: DiagnosisEvent, atMs: number): Attempt {
  return { attempt, status: "queued", why: "sent before the ticket closed", queuedAtMs: atMs, notBeforeMs: atMs };
}

/** Each phase is taken once: the first word of it stays. */
function isRepeat(known: Attempt, { phase }: DiagnosisEvent): boolean {
  switch (phase) {
    case "started":
      return known.startedAtMs !== undefined;
    case "waiting":
      return known.waiting !== undefined;
    case "finished":
    default:
      return known.endedAtMs !== undefined;
  }
}

/** The attempt with one phase more. Phases may come in any order: the status, and whose it is, are the farthest one's. */
function told(known: Attempt, said: DiagnosisEvent, atMs: number, validated: () => Rejection[]): Attempt {
  const { by } = said;
  switch (said.phase) {
    case "started": {
      const isFarther = known.waiting !== undefined || known.endedAtMs !== undefined;
      return { ...known, startedAtMs: atMs, ...(isFarther ? {} : { status: "running", by }) };
    }
    case "waiting": {
      const waiting = { sinceMs: atMs, untilMs: said.untilMs, why: plainText(said.why, 300) };
      return { ...known, waiting, ...(known.endedAtMs === undefined && { status: "waiting", by }) };
    }
    case "finished":
    default:
      return { ...known, ...endOf(said.result, validated), by, endedAtMs: atMs };
  }
}

type Result = Extract<DiagnosisEvent, { phase: "finished" }>["result"];
type End = Pick<Attempt, "status" | "diagnosis" | "rejections" | "failure">;

function endOf(result: Result, validated: () => Rejection[]): End {
  if (result.kind === "failed") {
    const failure = { code: plainText(result.code, 100), message: plainText(result.message, 500) };
    return { status: "failed", failure };
  }
  const { diagnosis } = result;
  const bytes = Buffer.byteLength(JSON.stringify(diagnosis));
  if (bytes > diagnosisBytesMax) {
    const message = `the diagnosis has ${bytes} bytes, a ticket keeps ${diagnosisBytesMax}: cite less`;
    return { status: "failed", failure: { code: "DIAGNOSIS_TOO_LARGE", message } };
  }
  const rejections = result.kind === "ungrounded" ? result.rejections : validated();
  if (rejections.length === 0) return { status: "done", diagnosis };
  return { status: "ungrounded", diagnosis, rejections: rejections.slice(0, rejectionsMax).map(bounded) };
}

/** The rejections of an `ungrounded` are the diagnoser's own words. */
function bounded({ code, path, message }: Rejection): Rejection {
  return { code: plainText(code, 100), path: plainText(path, 200), message: plainText(message, 500) };
}

function reasonOf(status: Attempt["status"]): Reason {
  if (status === "done") return "diagnosed";
  return status === "ungrounded" ? "ungrounded" : "failed";
}

function entryOf(attempt: Attempt, said: DiagnosisEvent, atMs: number): HistoryEntry {
  const about = { id: `attempt:${said.attempt}:${said.phase}`, atMs, by: said.by };
  if (said.phase === "started") return { ...about, kind: "started", text: `attempt ${said.attempt} began` };
  if (said.phase === "waiting") {
    const seconds = Math.max(0, Math.round((said.untilMs - said.atMs) / 1_000));
    const text = `attempt ${said.attempt} waits for the model, ${seconds} s at most: ${plainText(said.why, 300)}`;
    return { ...about, kind: "waiting", text };
  }
  const headline = plainText(attempt.diagnosis?.answer.headline ?? "", 300);
  if (attempt.failure) {
    const { code, message } = attempt.failure;
    return { ...about, kind: "failed", text: `attempt ${said.attempt}: ${code}: ${message}` };
  }
  const rejection = attempt.rejections?.[0];
  if (rejection === undefined) return { ...about, kind: "diagnosed", text: headline };
  return { ...about, kind: "ungrounded", text: `${headline} (refused: ${rejection.code}: ${rejection.message})` };
}
