import type { VerdictLine, Verdicts } from "@operator/contracts/verdicts";
import { agoOf, clockOf, lengthOf } from "../terminal/ages.ts";
import { type Line, paragraph, span, table } from "../terminal/page.ts";
import { byUrgency, type TicketSummary } from "../ticket-summary.ts";
import { ticketTable } from "./ticket-table.ts";
import { stateOrder, stateSpan } from "./words.ts";

/** What is known of each subject now. The document of `operator status --json`. */
export interface Status {
  atMs: number;
  subjects: {
    subject: string;
    /** The checker's newest word; null when there is none within the last 2 hours. */
    verdicts: Verdicts | null;
    /** Since the bus stored it. */
    verdictsAgeMs: number | null;
    openTickets: TicketSummary[];
  }[];
}

/** Verdicts come once a second: older than this, somebody should ask why. */
export const verdictsLateMs = 3_000;

/** What is watched, how it is now, and why something didn't fire. */
export function statusScreen(status: Status, columns: number): Line[] {
  if (status.subjects.length === 0) return [["No subject is known: name one by --subject."]];
  return status.subjects.flatMap((subject, at) => [
    ...(at === 0 ? [] : [[]]),
    ...subjectLines(subject, status.atMs, columns),
  ]);
}

function subjectLines(of: Status["subjects"][number], nowMs: number, columns: number): Line[] {
  const { subject, verdicts, verdictsAgeMs, openTickets } = of;
  const lines: Line[] = [[span(subject, "title"), verdicts ? `   ${countsOf(verdicts.lines)}` : ""]];
  lines.push(...ageLines(verdicts, verdictsAgeMs, nowMs, columns), []);
  // Tickets before verdicts: when a screen is too short, what is well is what falls off.
  const tickets = openTickets.toSorted(byUrgency);
  if (tickets.length === 0) lines.push(["No open ticket."]);
  else lines.push([span(`Open tickets: ${tickets.length}`, "title")], ...ticketTable(tickets, nowMs, columns));
  if (verdicts && verdicts.lines.length > 0) lines.push([], ...verdictTable(verdicts.lines, nowMs, columns));
  return lines;
}

function countsOf(lines: readonly VerdictLine[]): string {
  const counts = new Map<string, number>();
  for (const { state } of lines) counts.set(state, (counts.get(state) ?? 0) + 1);
  return stateOrder.flatMap((state) => (counts.has(state) ? [`${counts.get(state)} ${state}`] : [])).join(", ");
}

/** How old the verdicts are, and what is missing for them to be the whole truth. */
function ageLines(verdicts: Verdicts | null, ageMs: number | null, nowMs: number, columns: number): Line[] {
  if (!verdicts || ageMs === null)
    return paragraph(
      "? no verdicts within the last 2 hours: is a checker running for this subject?",
      columns,
      0,
      "warn",
    );
  const late = ageMs > verdictsLateMs;
  const of = verdicts.snapshot
    ? ` · of snapshot ${verdicts.snapshot.epoch}/${verdicts.snapshot.n} (${clockOf(verdicts.asOf, nowMs)})`
    : " · of no snapshot";
  const lines = paragraph(
    `${late ? "? " : ""}verdicts are ${lengthOf(ageMs)} old${late ? ": is a checker running?" : ""}${of}`,
    columns,
    0,
    late ? "warn" : "dim",
  );
  if (verdicts.silentMs !== undefined)
    lines.push(
      ...paragraph(
        `? no snapshot for ${lengthOf(verdicts.silentMs)}, so all verdicts are unknown: is an observer running?`,
        columns,
        0,
        "warn",
      ),
    );
  if (verdicts.gap)
    lines.push(
      ...paragraph(
        `? snapshots ${verdicts.gap.fromSequence} to ${verdicts.gap.toSequence} were gone before the checker read them`,
        columns,
        0,
        "warn",
      ),
    );
  return lines;
}

function verdictTable(verdicts: readonly VerdictLine[], nowMs: number, columns: number): Line[] {
  const sorted = verdicts.toSorted(
    (one, other) => stateOrder.indexOf(one.state) - stateOrder.indexOf(other.state) || compare(one, other),
  );
  const [titles, ...rows] = table(
    [
      { title: "STATE" },
      { title: "INVARIANT", atLeast: 12 },
      { title: "TARGET", atLeast: 10 },
      { title: "VALUE", atLeast: 7 },
      { title: "LIMIT", atLeast: 5 },
      { title: "FOR" },
      { title: "READ AGO" },
    ],
    sorted.map((line) => [
      stateSpan(line.state),
      line.invariant,
      line.target,
      valueOf(line.value, line.unit),
      valueOf(line.limit, line.unit),
      lengthOf(nowMs - line.sinceMs),
      readSpan(line, nowMs),
    ]),
    columns,
  );
  return [
    ...(titles ? [titles] : []),
    ...sorted.flatMap((line, at) => [rows[at] ?? [], ...whyLines(line, nowMs, columns)]),
  ];
}

/** Below what isn't plainly well: the reason, since when exactly, what it waits for, what explains it, which source can't see. */
function whyLines(line: VerdictLine, nowMs: number, columns: number): Line[] {
  const stale = line.sources.filter(({ fresh }) => !fresh);
  if (line.state === "ok" && stale.length === 0) return [];
  const waits = [
    `${line.severity}, ${line.verdict} since ${clockOf(line.sinceMs, nowMs)}`,
    line.graceLeftMs !== undefined &&
      (line.state === "clearing"
        ? `clears in ${lengthOf(line.graceLeftMs)} if it stays ok`
        : `fires in ${lengthOf(line.graceLeftMs)} if it stays so`),
  ].filter((part) => part !== false);
  const lines = [...paragraph(line.reason, columns, 4), ...paragraph(waits.join(" · "), columns, 4, "dim")];
  if (line.explainedBy.length > 0)
    lines.push(
      ...paragraph(`opens no ticket of its own: explained by ${line.explainedBy.join(", ")}`, columns, 4, "dim"),
    );
  for (const { source, target, readAtMs, error } of stale) {
    const read = readAtMs === undefined ? "never read" : `last read ${agoOf(readAtMs, nowMs)}`;
    // Often the reason is this very error.
    const why = error === undefined || line.reason.includes(error) ? "" : `, ${error}`;
    lines.push(...paragraph(`${source} of ${target} isn't fresh: ${read}${why}`, columns, 4, "warn"));
  }
  return lines;
}

/** How old the oldest reading is that the verdict rests on. */
function readSpan({ sources }: VerdictLine, nowMs: number) {
  if (sources.length === 0) return span("–", "dim");
  if (sources.some(({ readAtMs }) => readAtMs === undefined)) return span("never", "warn");
  const oldestMs = Math.min(...sources.map(({ readAtMs }) => readAtMs ?? 0));
  const isFresh = sources.every(({ fresh }) => fresh);
  const age = lengthOf(nowMs - oldestMs);
  return isFresh ? age : span(`${age}, stale`, "warn");
}

function valueOf(value: number | string | undefined, unit: string | undefined): string {
  if (value === undefined) return "–";
  if (typeof value === "string") return value;
  const number = Number.isInteger(value) ? String(value) : String(Number(value.toPrecision(4)));
  return unit === undefined ? number : `${number} ${unit}`;
}

function compare(one: VerdictLine, other: VerdictLine): number {
  return one.invariant < other.invariant
    ? -1
    : one.invariant > other.invariant
      ? 1
      : one.target < other.target
        ? -1
        : 1;
}
