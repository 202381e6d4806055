import type { FaultEvent, HaltLever } from "@operator/contracts/chaos";
import type { JournalFault } from "../read-faults.ts";
import { agoOf, clockOf, lengthOf, timeOf } from "../terminal/ages.ts";
import { entry, type Line, paragraph, span, table } from "../terminal/page.ts";

/** What chaos can do to a subject. */
export interface OfferedFault {
  subject: string;
  fault: string;
  title: string;
  by: "supervisor" | "api";
  targets: string[];
  ttlMs: { default: number; max: number };
}

/** What can be done, what is being done, and whether all of it is halted. */
export function faultList(
  { faults, running, lever }: { faults: readonly OfferedFault[]; running: readonly JournalFault[]; lever: HaltLever },
  nowMs: number,
  columns: number,
): Line[] {
  return [
    ...(lever.halted ? [...haltLines(lever, nowMs, columns), []] : []),
    [span("Runs now", "title")],
    ...(running.length === 0 ? [["  nothing"]] : running.flatMap((fault) => runningLines(fault, nowMs, columns))),
    [],
    ...offered(faults, columns),
  ];
}

export function haltLines({ by, reason, atMs, halted }: HaltLever, nowMs: number, columns: number): Line[] {
  const why = reason === "" ? "" : `: ${reason}`;
  return halted
    ? paragraph(`✖ halted by ${by}, ${timeOf(atMs, nowMs)}${why}; operator chaos resume lifts it`, columns, 0, "warn")
    : [[span("✓ not halted", "good"), `, by ${by}, ${timeOf(atMs, nowMs)}${why}`]];
}

/** One event of a fault. */
export function faultEventLines(event: FaultEvent, nowMs: number, columns: number): Line[] {
  const { atMs, phase, text, code } = event;
  const style = phase === "refused" || phase === "failed" ? "bad" : phase === "reverted" ? "good" : "plain";
  const when = `  ${clockOf(atMs, nowMs)}  `;
  const indent = when.length + phaseWidth + 1;
  return paragraph(code === undefined ? text : `${text} (${code})`, columns - indent).map(([, ...line], at): Line =>
    at === 0
      ? [span(when, "dim"), span(`${phase.padEnd(phaseWidth)} `, style), ...line]
      : [" ".repeat(indent), ...line],
  );
}

const phaseWidth = "injecting".length;

function runningLines({ began, newest, isProved }: JournalFault, nowMs: number, columns: number): Line[] {
  const { id, fault, target, by, endsAtMs } = began;
  const ends = newest.endsAtMs ?? endsAtMs;
  return [
    [
      "  ",
      span(`${fault} ${target}`, "title"),
      `  ${newest.phase}${isProved && newest.phase !== "proved" ? ", proved" : ""}`,
    ],
    ...entry("id", id, columns, "dim", 4),
    ...entry("by", `${by}, ${timeOf(began.atMs, nowMs)}`, columns, "dim", 4),
    ...(ends === undefined ? [] : entry("ends", agoOf(ends, nowMs), columns, "dim", 4)),
  ];
}

function offered(faults: readonly OfferedFault[], columns: number): Line[] {
  return table(
    [{ title: "FAULT" }, { title: "LASTS" }, { title: "TARGETS", atLeast: 16 }, { title: "WHAT", atLeast: 20 }],
    faults.map(({ fault, title, targets, ttlMs }) => [
      span(fault, "title"),
      `${lengthOf(ttlMs.default)}, at most ${lengthOf(ttlMs.max)}`,
      targets.join(", ") || "–",
      title,
    ]),
    columns,
  );
}
