import * as fc from "fast-check";
import { expect, test } from "vitest";
import { suggestion } from "./suggest.ts";

test.each([
  { word: "ratelimitr", nearest: "ratelimiter" },
  { word: "raetlimiter", nearest: "ratelimiter" },
  { word: "tikvv", nearest: "tikv" },
  { word: "kafka", nearest: undefined },
  { word: "", nearest: undefined },
])("$word: $nearest", ({ word, nearest }) => {
  expect(suggestion(word, ["ratelimiter", "tikv"])).toBe(nearest === undefined ? "" : ` (did you mean "${nearest}"?)`);
});

test("a word is nearest to itself, and to itself with a letter missing or two swapped", () => {
  fc.assert(
    fc.property(fc.stringMatching(/^[a-z]{4,12}$/), fc.nat(), (word, n) => {
      const at = n % (word.length - 1);
      const missing = word.slice(0, at) + word.slice(at + 1);
      const swapped = `${word.slice(0, at)}${word[at + 1]}${word[at]}${word.slice(at + 2)}`;
      for (const typed of [word, missing, swapped])
        expect(suggestion(typed, ["0123456789", word])).toBe(` (did you mean "${word}"?)`);
    }),
  );
});

test("what others may have written in any number and length is looked at within limits", () => {
  const others = Array.from({ length: 2_000 }, (_, at) => `other-${at}`);
  expect(suggestion("node-a", [...others, "node-a"])).toBe("");
  const long = "x".repeat(1_000_000);
  expect(suggestion(long, [`${long}y`])).toContain("did you mean");
});
