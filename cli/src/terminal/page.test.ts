import { stripVTControlCharacters } from "node:util";
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { entry, paragraph, span, table, toText } from "./page.ts";
import { cutTo, widthOf, wrapTo } from "./width.ts";

const words = fc.string({ unit: fc.constantFrom(...Array.from("ab é日👍 -\x1b\n"), "e\u0301"), maxLength: 80 });

test.each([
  { text: "abc", width: 3 },
  { text: "日本", width: 4 },
  { text: "e\u0301", width: 1 },
  { text: "👍", width: 2 },
  { text: "✖ ✓ …", width: 5 },
])("$text takes $width columns", ({ text, width }) => {
  expect(widthOf(text)).toBe(width);
});

test("what is cut or wrapped fits, and wrapping loses only spaces", () => {
  fc.assert(
    fc.property(words, fc.integer({ min: 8, max: 40 }), (text, columns) => {
      expect(widthOf(cutTo(text, columns))).toBeLessThanOrEqual(columns);
      const lines = wrapTo(text, columns);
      for (const line of lines) expect(widthOf(line)).toBeLessThanOrEqual(columns);
      expect(lines.join("").replaceAll(" ", "")).toBe(text.replaceAll(" ", ""));
    }),
  );
});

test("no line of a page is wider than the page, whatever the texts", () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(words, words, words), { maxLength: 5 }),
      fc.integer({ min: 60, max: 120 }),
      (rows, columns) => {
        const page = [
          ...table(
            [
              { title: "ONE", atLeast: 6 },
              { title: "TWO", atLeast: 6, align: "right" },
              { title: "THREE", atLeast: 6 },
            ],
            rows,
            columns,
          ),
          ...rows.flatMap(([one, two]) => [...paragraph(one, columns, 4), ...entry("name", two, columns)]),
        ];
        for (const line of toText(page, false).split("\n")) expect(widthOf(line)).toBeLessThanOrEqual(columns);
      },
    ),
  );
});

test("colour is only added: without it the text is the same", () => {
  const page = [[span("✖ firing", "bad"), " ", span("\x1b[0m", "good")], ...paragraph("why\nnot", 60, 2, "warn")];
  const plain = toText(page, false);
  expect(plain).toBe("✖ firing \\x1b[0m\n  why\n  not\n");
  const coloured = toText(page, true);
  expect(coloured).not.toBe(plain);
  expect(stripVTControlCharacters(coloured)).toBe(plain);
});

test("a narrow page costs the widest column, and none that may not be cut", () => {
  const rows = [["node_down", "a-very-long-target-name", "41 s"]];
  const columns = [{ title: "INVARIANT" }, { title: "TARGET", atLeast: 8 }, { title: "FOR" }];
  expect(toText(table(columns, rows, 30), false)).toBe(
    ["INVARIANT  TARGET         FOR", "node_down  a-very-long-…  41 s", ""].join("\n"),
  );
});
