import { styleText } from "node:util";
import { safeText } from "./safe-text.ts";
import { cutTo, widthOf, wrapTo } from "./width.ts";

/** What a piece of text means; what it looks like is decided here alone. Colour never says what words don't. */
export type Style = "plain" | "title" | "good" | "bad" | "warn" | "dim" | "code";
export type Span = string | { text: string; style: Style };
/** One line of a screen. Pieces of a page carry text as it came; `toText` makes it safe. */
export type Line = Span[];

/** A page as text for a terminal. Every piece is made safe here, so no text can act on the terminal that shows it. */
export function toText(page: readonly Line[], hasColour: boolean): string {
  return page
    .map(
      (line) =>
        `${line
          .map((span) => dress(span, hasColour))
          .join("")
          .trimEnd()}\n`,
    )
    .join("");
}

export function span(text: string, style: Style): Span {
  return { text, style };
}

/** A text in lines of the page's width, each line indented; line ends in the text stay line ends. */
export function paragraph(text: string, columns: number, indent = 0, style: Style = "plain"): Line[] {
  return text
    .split("\n")
    .flatMap((line) => wrapTo(safeText(line), columns - indent))
    .map((line) => [" ".repeat(indent), span(line, style)]);
}

/** A name and its text, the text's further lines under its first. */
export function entry(name: string, text: string, columns: number, style: Style = "plain", indent = 2): Line[] {
  const nameWidth = 14;
  return paragraph(text, columns - indent - nameWidth, 0, style).map(([, ...line], at) => [
    " ".repeat(indent),
    span((at === 0 ? name : "").padEnd(nameWidth), "dim"),
    ...line,
  ]);
}

export interface Column {
  title: string;
  /** The column may be cut to this when the page is too narrow; without it, it never is. */
  atLeast?: number;
  align?: "left" | "right";
}

/** Rows under titles, columns as wide as they need; what doesn't fit the page is cut in the columns that allow it. */
export function table(columns: readonly Column[], rows: readonly Span[][], width: number, indent = 0): Line[] {
  const gap = 2;
  const cell = (row: readonly Span[], at: number) => row[at] ?? "";
  const widths = columns.map(({ title }, at) =>
    Math.max(widthOf(title), ...rows.map((row) => widthOf(safeText(plainOf(cell(row, at)))))),
  );
  let over = widths.reduce((sum, width) => sum + width, indent + gap * (columns.length - 1)) - width;
  // The widest gives first: one long name shouldn't cost all the others.
  while (over > 0) {
    let widest = -1;
    columns.forEach(({ atLeast }, at) => {
      if (atLeast === undefined || (widths[at] ?? 0) <= atLeast) return;
      if (widest < 0 || (widths[at] ?? 0) > (widths[widest] ?? 0)) widest = at;
    });
    if (widest < 0) break;
    widths[widest] = (widths[widest] ?? 0) - 1;
    over -= 1;
  }
  const lineOf = (row: readonly Span[]): Line => [
    " ".repeat(indent),
    ...columns.flatMap(({ align }, at): Line => {
      const value = cell(row, at);
      const text = cutTo(safeText(plainOf(value)), widths[at] ?? 0);
      const fill = " ".repeat(Math.max(0, (widths[at] ?? 0) - widthOf(text)));
      const dressed: Span = typeof value === "string" ? text : { text, style: value.style };
      const last = at === columns.length - 1;
      const end = last ? "" : " ".repeat(gap);
      return align === "right" ? [fill, dressed, end] : [dressed, last ? "" : fill, end];
    }),
  ];
  return [lineOf(columns.map(({ title }) => span(title, "dim"))), ...rows.map(lineOf)];
}

function plainOf(value: Span): string {
  return typeof value === "string" ? value : value.text;
}

function dress(value: Span, hasColour: boolean): string {
  const text = safeText(plainOf(value));
  if (!hasColour || typeof value === "string" || value.style === "plain" || text === "") return text;
  return styleText(looks[value.style], text, { validateStream: false });
}

const looks = {
  title: "bold",
  good: "green",
  bad: "red",
  warn: "yellow",
  dim: "dim",
  code: "cyan",
} as const satisfies Record<Exclude<Style, "plain">, unknown>;
