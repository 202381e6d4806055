import * as fc from "fast-check";
import { expect, test } from "vitest";
import { safeJson, safeText } from "./safe-text.ts";

const anyText = fc.string({ unit: "binary", maxLength: 60 });
const hostile = fc.oneof(
  anyText,
  fc.constantFrom(
    "\x1b[2J",
    "\x1b]0;title\x07",
    "\x9b31m",
    "\u202eabc",
    "a\rb",
    "a\u2028b",
    "\ud800",
    "\x7f",
    "\u200b",
  ),
);
const acting = /[\p{Cc}\p{Cs}\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/u;

test.each([
  { text: "plain, Größe, 日本, 👩‍🚀 joined", safe: "plain, Größe, 日本, 👩\\u200d🚀 joined" },
  { text: "\x1b[2Jwiped", safe: "\\x1b[2Jwiped" },
  { text: "a\nb\tc", safe: "a\\x0ab\\x09c" },
  { text: "\u202egpj.exe", safe: "\\u202egpj.exe" },
])("made visible: $safe", ({ text, safe }) => {
  expect(safeText(text)).toBe(safe);
});

test("no text acts on a terminal, and a safe one stays as it is", () => {
  fc.assert(
    fc.property(hostile, (text) => {
      const safe = safeText(text);
      expect(safe).not.toMatch(acting);
      expect(safeText(safe)).toBe(safe);
    }),
  );
});

test("JSON is the same value, and acts on no terminal either", () => {
  fc.assert(
    fc.property(fc.dictionary(hostile, fc.oneof(hostile, fc.array(hostile))), (value) => {
      const json = safeJson(value);
      expect(json).not.toMatch(acting);
      expect(JSON.parse(json)).toEqual(JSON.parse(JSON.stringify(value)));
      expect(safeJson(value, 2).replaceAll("\n", "")).not.toMatch(acting);
    }),
  );
});
