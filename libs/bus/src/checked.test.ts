import { compiledOf } from "@operator/contracts/compiled";
import { expect, test } from "vitest";
import { z } from "zod";
import { check } from "./checked.ts";

test("what a schema has accepted isn't looked at by it again, and is what the schema made of it", () => {
  let looks = 0;
  const counted = z.string().refine(() => (looks += 1) > 0);
  const schema = compiledOf(z.object({ name: counted }));
  const value = { name: "a", more: "is cut off" };
  const first = check(schema, value);
  expect(first.data).toEqual({ name: "a" });
  expect(check(schema, value).data).toBe(first.data);
  expect(check(schema, first.data).data).toBe(first.data);
  expect(looks).toBe(1);
  // An equal one is another one.
  check(schema, { ...value });
  expect(looks).toBe(2);
});

test("what one schema accepted is looked at by another, and what was refused is refused again", () => {
  const loose = compiledOf(z.object({ n: z.number() }));
  const strict = compiledOf(z.object({ n: z.number().max(1) }));
  const value = { n: 2 };
  expect(check(loose, value).success).toBe(true);
  expect(check(strict, value).success).toBe(false);
  expect(check(strict, value).success).toBe(false);
  expect(check(loose, value).success).toBe(true);
});

test("what is no object is parsed each time", () => {
  const schema = compiledOf(z.number().max(1));
  expect(check(schema, 1)).toEqual({ success: true, data: 1 });
  expect(check(schema, 2).success).toBe(false);
});
