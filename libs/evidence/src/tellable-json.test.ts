import type { Json } from "@operator/contracts/json";
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { z } from "zod";
import { tellableJson } from "./tellable-json.ts";

const secrets = ["our-own-password"];
const told = (document: Json, bytesMax = 16_384) => tellableJson(document, { bytesMax, secrets });

test("a small document stays as it is", () => {
  const document = { stores: [{ id: "1", full: 0.5, busy: false, label: null }], count: 3 };
  expect(told(document)).toEqual({ value: document, leftOut: 0 });
});

test("texts and names in it come out plain, short, and without a secret", () => {
  const document = {
    said: "\u001b[2Jgone \u202eback",
    url: "redis://user:hunter22@host/",
    ours: "it's our-own-password",
    managementToken: "abc",
    nested: { password: { deep: [1, 2] } },
    "bell\u0007": "z".repeat(1_000),
  };
  const { value } = told(document);
  expect(value).toMatchObject({
    said: "gone back",
    url: "redis://[secret]@host/",
    ours: "it's [secret]",
    managementToken: "[secret]",
    nested: { password: "[secret]" },
    bell: `${"z".repeat(399)}…`,
  });
});

test("what has no room is left out from the end on, and counted; what stays is in its place", () => {
  const items = Array.from({ length: 100 }, (_, at) => ({ at }));
  const { value, leftOut } = told({ list: items, after: 1 }, 200);
  const { list } = z.object({ list: z.array(z.unknown()) }).parse(value);
  expect(list.length).toBeGreaterThan(15);
  expect(value).toEqual({ list: items.slice(0, list.length) });
  expect(leftOut).toBeGreaterThan(70);
  // A shorter one behind it isn't taken in its stead.
  expect(told(["x".repeat(50), "y"], 20)).toEqual({ value: [], leftOut: 2 });
});

test("a name that would set a prototype is no name, and what nests too deep is null in its place", () => {
  const { value } = told(JSON.parse('{"__proto__":{"admin":true},"a":1}'));
  expect(Object.keys(value ?? {})).toEqual(["a"]);
  const deep = (levels: number): Json => (levels === 0 ? "end" : [deep(levels - 1), levels]);
  expect(JSON.stringify(told(deep(40)).value)).toMatch(/^(\[){13}null(,\d+\])+$/);
  expect(told(deep(40)).leftOut).toBe(1);
});

test("whatever comes, it's no longer than allowed, and telling it again changes nothing", () => {
  fc.assert(
    fc.property(fc.jsonValue(), fc.integer({ min: 20, max: 300 }), (document, bytesMax) => {
      const once = told(JSON.parse(JSON.stringify(document)), bytesMax);
      expect(Buffer.byteLength(JSON.stringify(once.value))).toBeLessThanOrEqual(bytesMax);
      expect(told(once.value, bytesMax)).toEqual({ value: once.value, leftOut: 0 });
    }),
  );
});
