import type { HistoryEntry } from "@operator/contracts/ticket";
import { agoOf, clockOf } from "../terminal/ages.ts";
import { type Line, paragraph, type Style, span } from "../terminal/page.ts";

/** Entries of a ticket's history, a line each. */
export function historyLines(
  history: readonly HistoryEntry[],
  { nowMs, columns }: { nowMs: number; columns: number },
  dropped = 0,
): Line[] {
  const gapAt = dropped > 0 ? gapOf(history) : -1;
  return history.flatMap((one, at) => [
    ...(at === gapAt ? [[`  … ${dropped} entries left out by the ticketer …`]] : []),
    ...historyLine(one, nowMs, columns),
  ]);
}

function historyLine({ atMs, kind, by, text, code }: HistoryEntry, nowMs: number, columns: number): Line[] {
  const when = `  ${clockOf(atMs, nowMs)}  ${agoOf(atMs, nowMs).padEnd(10)}  `;
  const said = [text, code !== undefined && `(${code})`, `– ${by}`]
    .filter((part) => part !== false && part !== "")
    .join(" ");
  const indent = when.length + kindWidth + 1;
  const lines = paragraph(said, columns - indent);
  return lines.map(([, ...line], at) =>
    at === 0
      ? [span(when, "dim"), span(`${kind.padEnd(kindWidth)} `, kindStyles[kind] ?? "plain"), ...line]
      : [" ".repeat(indent), ...line],
  );
}

const kindWidth = "acknowledged".length;
const kindStyles: Partial<Record<HistoryEntry["kind"], Style>> = {
  opened: "bad",
  seen_again: "bad",
  blind: "warn",
  cleared: "good",
  retired: "good",
  closed: "good",
  waiting: "warn",
  diagnosed: "title",
  ungrounded: "warn",
  failed: "warn",
  refused: "warn",
  escalated: "bad",
};

/** The ticketer keeps the beginning and the end of a long history: the widest silence is where the middle was. */
function gapOf(history: readonly HistoryEntry[]): number {
  let widest = -1;
  let at = history.length;
  for (let i = 1; i < history.length; i += 1) {
    const silence = (history[i]?.atMs ?? 0) - (history[i - 1]?.atMs ?? 0);
    if (silence > widest) [widest, at] = [silence, i];
  }
  return at;
}
