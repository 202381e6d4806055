import type { CaseFile } from "@operator/subject/case-file";
import { isoTime, jsonLine } from "./json-line.ts";
import { quoteOf } from "./quote.ts";

const linesMax = 60;
const logCharsMax = 24_000;
const targetsMax = 100;

export interface CaseTextOptions {
  /** Drawn anew for each request, so that nobody who writes telemetry can know how it is delimited. */
  nonce: string;
  /** Of the caller's own environment. */
  secrets: readonly string[];
  /** Of the facts, which are most of it. The ones farthest from the violation give way. */
  factCharsMax: number;
}

/**
 * A case file as a text for a model: parts of JSON lines, each part between a tag that carries the nonce and its end. All of
 * it is data that may be hostile: plain, short, without what looks like a secret, and without a `<`, so that nothing in it
 * ends its part. A fact's `quote` is what a citation of it has to say.
 */
export function caseText(file: CaseFile, options: CaseTextOptions): string {
  const { nonce, secrets } = options;
  const line = (value: unknown) => jsonLine(value, secrets);
  const part = (name: string, lines: readonly string[]) =>
    lines.length === 0 ? [] : [`<${name} ${nonce}>`, ...lines, `</${name} ${nonce}>`];
  const { invariant, target, severity, state, sinceMs, summary, detail, comebacks } = file.violation;
  const { facts, left } = factLines(file, line, options.factCharsMax);
  const logs = logLines(file, line);
  const older = file.logs.length - logs.length;
  const tooMuch = older > 0 ? [`${older} older lines of logs that had no room here`] : [];
  return [
    ...part("ticket", [line({ ...file.ticket, atMs: file.atMs, now: isoTime(file.atMs) })]),
    ...part("violation", [
      line({ invariant, target, severity, state, sinceMs, since: isoTime(sinceMs), summary, detail, comebacks }),
    ]),
    ...part("facts", facts),
    ...part("changes", file.changes.slice(0, linesMax).map(line)),
    ...part("verdicts", verdictLines(file, line)),
    ...part("timeline", file.timeline.slice(-linesMax).map(line)),
    ...part("topology", file.topology.slice(0, targetsMax).map(line)),
    ...part("earlier_tickets", file.similar.map(line)),
    ...part("logs", logs),
    ...part("recent_actions", file.actions.map(line)),
    ...part(
      "missing",
      [...file.missing, ...(left > 0 ? [`${left} facts that had no room here`] : []), ...tooMuch].map(line),
    ),
  ].join("\n");
}

function factLines({ facts }: CaseFile, line: (value: unknown) => string, charsMax: number) {
  const lines: string[] = [];
  let chars = 0;
  for (const { id, snapshot, pointer, value } of facts) {
    const next = line({ id, snapshot, pointer, quote: quoteOf(value) });
    chars += next.length + 1;
    if (chars > charsMax) break;
    lines.push(next);
  }
  return { facts: lines, left: facts.length - lines.length };
}

/** The newest lines that there's room for, the oldest of them first. */
function logLines({ logs }: CaseFile, line: (value: unknown) => string): string[] {
  const lines: string[] = [];
  let chars = 0;
  for (const { id, target, atMs, value } of logs.toReversed()) {
    const next = line({ id, target, time: isoTime(atMs), quote: quoteOf(value) });
    chars += next.length + 1;
    if (chars > logCharsMax) break;
    lines.push(next);
  }
  return lines.toReversed();
}

/** What isn't plainly well, first; the well ones only by their names, as they are many. */
function verdictLines({ verdicts }: CaseFile, line: (value: unknown) => string): string[] {
  if (!verdicts) return [];
  const odd = verdicts.lines.filter(({ state }) => state !== "ok").slice(0, linesMax);
  const well = verdicts.lines.filter(({ state }) => state === "ok").slice(0, targetsMax);
  return [
    line({ asOf: verdicts.asOf, as: isoTime(verdicts.asOf) }),
    ...odd.map(({ invariant, target, state, sinceMs, reason, explainedBy }) =>
      line({ invariant, target, state, sinceMs, reason, explainedBy }),
    ),
    ...(well.length > 0 ? [line({ ok: well.map(({ invariant, target }) => `${invariant} of ${target}`) })] : []),
  ];
}
