import { renderDiagnosis } from "@operator/evidence/render";
import { Diagnosis } from "@operator/contracts/diagnosis";
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { diagnosis } from "../samples.fixture.ts";
import { markdownLines } from "./markdown.ts";
import { toText } from "./page.ts";
import { widthOf } from "./width.ts";

const shown = (markdown: string, columns = 80) => toText(markdownLines(markdown, columns), false);

test.each([
  { why: "a heading", markdown: "## Cause", text: "Cause\n" },
  {
    why: "bold and code are words, not marks",
    markdown: "**crashed: `node-a`.** gone",
    text: "crashed: node-a. gone\n",
  },
  {
    why: "escapes are resolved",
    markdown: String.raw`a \*b\* \[c\](d) \\ e_f http&#58;//x www&#46;y &amp;lt;`,
    text: "a *b* [c](d) \\ e_f http://x www.y &lt;\n",
  },
  { why: "code with a backtick", markdown: "`` a`b ``", text: "a`b\n" },
  { why: "a nested list", markdown: "1. one\n   - two", text: "  1. one\n     - two\n" },
  {
    why: "a row of a table",
    markdown: "| | value | shows |\n|---|---|---|\n| E1 | `a\\|b` | it \\| is |",
    text: "  E1   a|b\n       it | is\n",
  },
  { why: "what stands under a heading stands close to it", markdown: "# A\n\nb\n\nc", text: "A\nb\n\nc\n" },
  { why: "marks that mean nothing here stay", markdown: "2 * 3 > 1 & `", text: "2 * 3 > 1 & `\n" },
])("$why", ({ markdown, text }) => {
  expect(shown(markdown)).toBe(text);
});

test("whatever a diagnosis says is read as it was said, within the page", () => {
  const sample = Diagnosis.parse(diagnosis);
  fc.assert(
    fc.property(
      fc.string({ unit: fc.constantFrom(...Array.from("ab *_`[]()|\\<>#&-1.~$:/")), minLength: 1, maxLength: 60 }),
      (headline) => {
        fc.pre(headline.trim() !== "");
        const lines = shown(renderDiagnosis({ ...sample, answer: { ...sample.answer, headline } }), 60).split("\n");
        for (const line of lines) expect(widthOf(line)).toBeLessThanOrEqual(60);
        const said = lines
          .slice(
            0,
            lines.findIndex((line) => line.startsWith("A fault")),
          )
          .join("");
        expect(said.replaceAll(/\s/g, "")).toBe(headline.replaceAll(/\s/g, ""));
      },
    ),
  );
});
