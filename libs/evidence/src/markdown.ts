import { plainText } from "./telemetry.ts";

const charsMax = 1_500;

/** A text from outside as Markdown prose: nothing in it is markup, a link or a picture any more. One line, bounded. */
export function prose(text: string): string {
  return (
    plainText(text, charsMax)
      .replace(/[\\`*[\]<>|~$]/g, (mark) => `\\${mark}`)
      // Within a word an underscore is only itself, and names are full of them.
      .replace(/(?<![\p{L}\p{N}])_|_(?![\p{L}\p{N}])/gu, "\\_")
      .replace(/&(?=#|\w)/g, "&amp;")
      // What a reader would make a link of by itself.
      .replace(/:(?=\/\/)/g, "&#58;")
      .replace(/www\./gi, (www) => `${www.slice(0, 3)}&#46;`)
      // What would begin a heading, a list or a rule at the start of a line.
      .replace(/^(?:#|[-+=])/, (mark) => `\\${mark}`)
      .replace(/^(\d{1,9})([.)])/, "$1\\$2")
  );
}

/** A value as Markdown code, also within a table: whatever it holds stays in there. */
export function code(text: string): string {
  // A backslash right before a bar would unescape it, and the rest of the value would be markup in the next cell.
  const line = plainText(text, charsMax)
    .replace(/\\(?=\|)/g, "\\ ")
    .replaceAll("|", "\\|");
  const longest = Math.max(0, ...[...line.matchAll(/`+/g)].map(([run]) => run.length));
  const fence = "`".repeat(longest + 1);
  const space = longest > 0 || line === "" ? " " : "";
  return `${fence}${space}${line}${space}${fence}`;
}
