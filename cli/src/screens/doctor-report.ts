import { type Line, paragraph, span, type Style } from "../terminal/page.ts";

/** One thing that was looked at. */
export interface Check {
  name: string;
  outcome: "ok" | "warn" | "fail";
  says: string;
  /** What to do about it. */
  todo?: string;
}

/** What was looked at, a line each, with what to do where something isn't well. */
export function doctorReport(checks: readonly Check[], columns: number): Line[] {
  const width = Math.max(...checks.map(({ name }) => name.length)) + 2;
  const indent = 6 + 2 + width;
  return checks.flatMap(({ name, outcome, says, todo }): Line[] => {
    const [glyph, style] = outcomes[outcome];
    const [first = [], ...others] = paragraph(says, columns, indent);
    return [
      [span(`${glyph} ${outcome.padEnd(4)}`, style), `  ${name.padEnd(width)}`, ...first.slice(1)],
      ...others,
      ...(todo === undefined ? [] : paragraph(`→ ${todo}`, columns, indent, "dim")),
    ];
  });
}

const outcomes = { ok: ["✓", "good"], warn: ["!", "warn"], fail: ["✖", "bad"] } as const satisfies Record<
  Check["outcome"],
  readonly [string, Style]
>;
