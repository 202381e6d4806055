/** Columns that a terminal takes for a text: two for wide East Asian characters and emoji, none for combining marks. */
export function widthOf(text: string): number {
  let width = 0;
  for (const { segment } of graphemes.segment(text)) width += wide.test(segment) ? 2 : none.test(segment) ? 0 : 1;
  return width;
}

/** The text in at most so many columns, with `…` where something was cut off. */
export function cutTo(text: string, columns: number): string {
  if (widthOf(text) <= columns) return text;
  let kept = "";
  let width = 1;
  for (const { segment } of graphemes.segment(text)) {
    width += widthOf(segment);
    if (width > columns) break;
    kept += segment;
  }
  return columns < 1 ? "" : `${kept}…`;
}

/** The text in lines of at most so many columns, broken at spaces where there are any. */
export function wrapTo(text: string, columns: number): string[] {
  const room = Math.max(columns, 8);
  const lines: string[] = [];
  let line = "";
  const flush = () => {
    if (line !== "") lines.push(line);
    line = "";
  };
  for (const word of text.split(" ").filter((word) => word !== "")) {
    if (line !== "" && widthOf(line) + 1 + widthOf(word) > room) flush();
    line = line === "" ? word : `${line} ${word}`;
    // A word longer than a line: an address, or somebody's attempt to break the page.
    while (widthOf(line) > room) {
      const piece = prefixOf(line, room);
      lines.push(piece);
      line = line.slice(piece.length);
    }
  }
  flush();
  return lines.length > 0 ? lines : [""];
}

/** As much of a text's beginning as fits, at least one character. */
export function prefixOf(text: string, columns: number): string {
  let kept = "";
  let width = 0;
  for (const { segment } of graphemes.segment(text)) {
    width += widthOf(segment);
    if (width > columns && kept !== "") break;
    kept += segment;
  }
  return kept;
}

const graphemes = new Intl.Segmenter("en", { granularity: "grapheme" });
const wide =
  /^[\p{Emoji_Presentation}\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\u3000-\u303e\uff01-\uff60\uffe0-\uffe6]/u;
const none = /^\p{M}+$/u;
