import * as fc from "fast-check";
import { expect, test } from "vitest";
import { exactJson, parsePdJson, PdId } from "./pd-json.ts";

test.each([
  ['{"id": 18446744073709551615}', { id: "18446744073709551615" }],
  ["[7710507798358260623,-9223372036854775808,5]", ["7710507798358260623", "-9223372036854775808", 5]],
  [
    '{"key":"digits 7710507798358260623 in \\" text","score":8052501975.2174571234567}',
    { key: 'digits 7710507798358260623 in " text', score: 8052501975.217457 },
  ],
  ["1234567890123456789.5", 1_234_567_890_123_456_800],
  ["1234567890123456e3", 1.234567890123456e18],
])("%s keeps what it says", (text, value) => {
  expect(parsePdJson(text)).toEqual(value);
});

test("any uint64 that is written is read again, and any text stays as it is", () => {
  fc.assert(
    fc.property(fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), fc.string({ unit: "binary" }), (id, text) => {
      const read = parsePdJson(exactJson({ id, [text]: [text, null, true, 1.5] }));
      expect(read).toMatchObject({ [text]: [text, null, true, 1.5] });
      if (text !== "id") expect(PdId.parse(Object(read).id)).toBe(String(id));
    }),
  );
});

test("what is no uint64 is no id", () => {
  for (const odd of [-1, 1.5, "", "abc", "1 ", null, "123456789012345678901"])
    expect(PdId.safeParse(odd).success).toBe(false);
});
