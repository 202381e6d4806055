import * as fc from "fast-check";
import { expect, test } from "vitest";
import { atPointer, toPointer } from "./json.ts";

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
