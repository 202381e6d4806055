import { safeText } from "./safe-text.ts";
import { type Line, type Span, type Style, span } from "./page.ts";
import { prefixOf, widthOf } from "./width.ts";

/**
 * Markdown as lines for a terminal: what `libs/evidence` writes of a diagnosis (headings, lists, tables, bold, code,
 * escapes), nothing more. A row of a table becomes a short block, as five columns don't fit a terminal.
 */
export function markdownLines(markdown: string, columns: number, indent = 0): Line[] {
  const lines: Line[] = [];
  const margin = " ".repeat(indent);
  const put = (spans: readonly Span[], hang: number, first = "") => {
    const wrapped = wrapSpans(spans, columns - indent - hang);
    wrapped.forEach((line, at) => lines.push([margin, at === 0 ? first.padEnd(hang) : " ".repeat(hang), ...line]));
  };
  let isUnderHeading = false;
  for (const line of markdown.trimEnd().split("\n")) {
    const heading = /^(#{1,6}) (.*)$/.exec(line);
    const item = /^( *)(-|\d+\.) (.*)$/.exec(line);
    if (line.trim() === "") {
      // What stands under a heading stands close to it.
      if (!isUnderHeading) lines.push([]);
    } else if (heading) put(inline(heading[2] ?? "", "title"), 0);
    else if (/^\|[-| :]+\|$/.test(line)) continue;
    else if (line.startsWith("|")) {
      const cells = cellsOf(line);
      // A row of titles says nothing once the cells stand below each other.
      if (cells[0] === "") continue;
      const [first = "", ...rest] = cells;
      const last = rest.pop() ?? "";
      const between = rest
        .filter((cell) => cell !== "")
        .flatMap((cell, at) => [...(at > 0 ? [" · "] : []), ...inline(cell)]);
      put(between, 7, `  ${first}`);
      put(inline(last, "dim"), 7);
    } else if (item) {
      const nested = (item[1] ?? "").length > 0 ? 5 : 2;
      const mark = `${" ".repeat(nested)}${item[2]} `;
      put(inline(item[3] ?? ""), mark.length, mark);
    } else put(inline(line), 0);
    isUnderHeading = heading !== null;
  }
  return lines;
}

/** Spans of one line of Markdown, its escapes resolved. */
function inline(text: string, base: Style = "plain"): { text: string; style: Style }[] {
  const spans: { text: string; style: Style }[] = [];
  let style = base;
  for (const [, escaped, fence, , coded, bold, entity, plain] of text.matchAll(pieces)) {
    if (bold !== undefined) style = style === base ? "title" : base;
    else if (fence !== undefined) spans.push({ text: trimCode(coded ?? ""), style: "code" });
    else {
      const piece = escaped ?? entities.get(entity ?? "") ?? plain ?? "";
      // One word stays one span, or a line could end within it.
      const before = spans.at(-1);
      if (before?.style === style) before.text += piece;
      else spans.push({ text: piece, style });
    }
  }
  return spans;
}

// escape | code between equal fences | bold mark | entity | anything else, a character or a run of harmless ones
const pieces =
  /\\([!-/:-@[-`{-~])|((`+)(?!`)([\s\S]*?[^`])\3(?!`))|(\*\*)|(&(?:amp|#58|#46);)|([\w ,.:;()-]+|[\s\S])/gu;
const entities = new Map([
  ["&amp;", "&"],
  ["&#58;", ":"],
  ["&#46;", "."],
]);

/** Code that begins or ends with a backtick is padded with a space at both ends. */
function trimCode(code: string): string {
  const unpadded = /^ (.*[^ ].*) $/su.exec(code)?.[1] ?? code;
  return unpadded.replaceAll("\\|", "|");
}

function cellsOf(row: string): string[] {
  return row
    .replace(/^\||\|$/g, "")
    .split(/(?<!\\)\|/)
    .map((cell) => cell.trim());
}

/** Breaks at spaces across spans, keeping each word's style. */
function wrapSpans(spans: readonly Span[], columns: number): Line[] {
  const room = Math.max(columns, 16);
  const lines: Line[] = [[]];
  let used = 0;
  for (const value of spans) {
    const [text, style] = typeof value === "string" ? [value, "plain" as const] : [value.text, value.style];
    for (const word of safeText(text).split(/(?<= )/)) {
      let rest = word;
      if (used > 0 && used + widthOf(rest.trimEnd()) > room) {
        lines.push([]);
        used = 0;
      }
      // A word longer than a line, e.g. an address, is cut where the line ends.
      while (widthOf(rest) > room) {
        const piece = prefixOf(rest, room);
        lines.at(-1)?.push(span(piece, style));
        rest = rest.slice(piece.length);
        lines.push([]);
      }
      lines.at(-1)?.push(span(rest, style));
      used = widthOf(rest) + used;
    }
  }
  return lines;
}
