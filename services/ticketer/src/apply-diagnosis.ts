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
  const isRepeat = said.phase === "started" ? known.startedAtMs !== undefined : known.endedAtMs !== undefined;
  if (isRepeat) return quiet;

  const attempt =
    said.phase === "started"
      ? started(known, said, storedAtMs)
      : { ...known, ...endOf(said.result, () => rejectionsOf(head)), by: said.by, endedAtMs: storedAtMs };
  const others = head.attempts.filter((each) => each.attempt !== said.attempt);
  const told: Ticket = {
    ...head,
    ...remember(head, [entryOf(attempt, said, storedAtMs)]),
    attempts: [...others, attempt].sort((a, b) => a.attempt - b.attempt),
    sent: { ...head.sent, attempt: Math.max(head.sent.attempt, said.attempt) },
  };
  const ticket = settle(told, nowMs);
  const reason = said.phase === "started" ? "started" : reasonOf(attempt.status);
  return { ticket, reasons: [reason, ...(ticket.escalated && !head.escalated ? ["escalated" as const] : [])] };
}

/** An attempt whose job was taken back after it had left: the ticket closed meanwhile. */
function unasked({ attempt }: DiagnosisEvent, atMs: number): Attempt {
  return { attempt, status: "queued", why: "sent before the ticket closed", queuedAtMs: atMs, notBeforeMs: atMs };
}

function started(known: Attempt, said: DiagnosisEvent, startedAtMs: number): Attempt {
  if (known.endedAtMs !== undefined) return { ...known, startedAtMs };
  return { ...known, status: "running", startedAtMs, by: said.by };
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
  const headline = plainText(attempt.diagnosis?.answer.headline ?? "", 300);
  if (attempt.failure) {
    const { code, message } = attempt.failure;
    return { ...about, kind: "failed", text: `attempt ${said.attempt}: ${code}: ${message}` };
  }
  const rejection = attempt.rejections?.[0];
  if (rejection === undefined) return { ...about, kind: "diagnosed", text: headline };
  return { ...about, kind: "ungrounded", text: `${headline} (refused: ${rejection.code}: ${rejection.message})` };
}
