import * as fc from "fast-check";
import { expect, test } from "vitest";
import { partsOfTicketId, ticketIdOf } from "./ticket-id.ts";
import { fromToken, toToken } from "./tokens.ts";

test.for<[string, string]>([
  ["node-a", "node-a"],
  ["", "=00"],
  ["=00", "=3D00"],
  ["a.b", "a=2Eb"],
  ["a b:c/d", "a=20b=3Ac=2Fd"],
  ["*", "=2A"],
  [">", "=3E"],
  ["ü", "=C3=BC"],
  ["🙂", "=F0=9F=99=82"],
  ["=41", "=3D41"],
  ["\u0000", "=00"],
])("%j is the token %s", ([text, token]) => {
  expect(toToken(text)).toBe(token);
});

test("any text comes back from its token, which is one token of an address", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary" }).filter(isText), (text) => {
      const token = toToken(text);
      expect(token).toMatch(/^[A-Za-z0-9_=-]+$/);
      expect(fromToken(token)).toBe(text);
    }),
  );
});

test("two texts never share a token", () => {
  const text = fc.string({ unit: fc.constantFrom("=", "0", "3", "D", "2", "E", ".", "a", "ü", "%"), maxLength: 6 });
  fc.assert(
    fc.property(text, text, (one, other) => {
      expect(toToken(one) === toToken(other)).toBe(one === other);
    }),
  );
});

test("a ticket's id gives back the names that it's made of", () => {
  const word = fc.stringMatching(/^[a-z][a-z0-9_]{0,20}$/);
  const target = fc
    .string({ unit: "grapheme", minLength: 1, maxLength: 30 })
    .filter((text) => !/\p{Cc}|\p{Cs}/u.test(text));
  fc.assert(
    fc.property(
      word,
      word,
      target,
      fc.integer({ min: 1, max: 1_000_000 }),
      (subject, invariant, target, generation) => {
        const id = ticketIdOf({ subject, invariant, target, generation });
        expect(partsOfTicketId(id)).toEqual({ subject, invariant, target, generation });
      },
    ),
  );
});

/** Half a surrogate pair is no text, and NUL's token is that of nothing: names allow neither. */
function isText(text: string): boolean {
  return text.isWellFormed() && text !== "\u0000";
}
