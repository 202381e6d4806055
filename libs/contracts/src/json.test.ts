import * as fc from "fast-check";
import { expect, test } from "vitest";
import { atPointer, Json, toPointer } from "./json.ts";

test.for<[string, unknown]>([
  ["", { a: [1, { "b/c": 2, "d~e": 3 }], "": 4 }],
  ["/a/0", 1],
  ["/a/1/b~1c", 2],
  ["/a/1/d~0e", 3],
  ["/", 4],
  ["/a/2", undefined],
  ["/a/01", undefined],
  ["/a/-", undefined],
  ["/b", undefined],
  ["/a/0/x", undefined],
  ["/constructor", undefined],
])("%j names %j", ([pointer, value]) => {
  expect(atPointer({ a: [1, { "b/c": 2, "d~e": 3 }], "": 4 }, pointer)).toEqual(value);
});

test("a pointer made of a path leads to what is there", () => {
  fc.assert(
    fc.property(fc.array(fc.string(), { maxLength: 4 }), fc.string(), (path, leaf) => {
      const document = path.reduceRight<unknown>((inner, key) => Object.fromEntries([[key, inner]]), leaf);
      expect(atPointer(document, toPointer(path))).toBe(leaf);
    }),
  );
});

test("any JSON is taken as it is, and nothing else is JSON", () => {
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 5 }), (value) => {
      expect(Json.parse(value)).toBe(value);
    }),
  );
  const others = [undefined, Number.NaN, Infinity, 1n, Symbol("x"), () => 1, new Date(), new Map(), { a: undefined }];
  expect(others.filter((other) => Json.safeParse(other).success)).toEqual([]);
  expect(others.filter((other) => Json.safeParse({ a: [other] }).success)).toEqual([]);
});

test("what is nested deeper than 64 levels is refused, however deep, and never overflows the stack", () => {
  const nested = (depth: number): unknown => JSON.parse("[".repeat(depth) + "]".repeat(depth));
  expect(Json.safeParse(nested(64)).success).toBe(true);
  expect(Json.safeParse(nested(65)).success).toBe(false);
  expect(Json.safeParse(nested(1_000_000)).success).toBe(false);
});
