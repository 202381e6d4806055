/**
 * A text from outside in one plain line: no control characters (ANSI colours, line breaks), nothing invisible or
 * that turns the writing direction, bounded. A longer one ends in `…`.
 */
export function plainText(text: string, charsMax: number): string {
  // The cut before the work bounds the work; twice the length leaves room for what is dropped.
  const line = text
    .slice(0, charsMax * 2)
    // oxlint-disable-next-line no-control-regex -- an escape sequence goes whole, or its letters would stay
    .replace(/\u001b\[[0-9;?]*[ -/]*[@-~]/g, "")
    .replace(/\s+/gu, " ")
    .replace(/[\p{Cc}\p{Cf}\p{Cs}\p{Co}]/gu, "")
    .trim();
  const whole = line.length <= charsMax && text.length <= charsMax * 2;
  return whole ? line : `${line.slice(0, charsMax - 1)}…`.toWellFormed();
}

/** A text from outside within a sentence of ours: plain, short, and marked as said by somebody else. */
export function quoted(text: string): string {
  return `“${plainText(text, 120).replace(/[“”]/g, '"')}”`;
}
