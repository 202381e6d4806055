import { expect, test } from "vitest";
import { createDenials } from "./denials.ts";

const denied = { cost: 2, count: 9, limit: 10, remaining: 1, retryAfterMs: 50 };

test("a denial holds until there's room, counted from before it was asked", () => {
  const denials = createDenials(100, 10);
  denials.remember("k", denied, 1_000);
  expect(denials.recall("k", 2, 10, 1_049)).toMatchObject({ count: 9, remaining: 1, freeAtMs: 1_050 });
  expect(denials.recall("k", 2, 10, 1_050)).toBeUndefined();
});

test("it's forgotten after a moment, however long the denial lasts", () => {
  const denials = createDenials(100, 10);
  denials.remember("k", { ...denied, retryAfterMs: 60_000 }, 1_000);
  expect(denials.recall("k", 2, 10, 1_099)).toBeDefined();
  expect(denials.recall("k", 2, 10, 1_100)).toBeUndefined();
});

test("a cheaper request, another limit, another key and a reset ask Redis again", () => {
  const denials = createDenials(100, 10);
  denials.remember("k", denied, 1_000);
  expect(denials.recall("k", 1, 10, 1_001)).toBeUndefined();
  expect(denials.recall("k", 2, 11, 1_001)).toBeUndefined();
  expect(denials.recall("other", 2, 10, 1_001)).toBeUndefined();
  denials.forget("k");
  expect(denials.recall("k", 2, 10, 1_001)).toBeUndefined();
});

test("an age of 0 remembers nothing", () => {
  const denials = createDenials(0, 10);
  denials.remember("k", denied, 1_000);
  expect(denials.recall("k", 2, 10, 1_000)).toBeUndefined();
});

test("no more are remembered than may be: the oldest go", () => {
  const denials = createDenials(100, 2);
  for (const key of ["a", "b", "c"]) denials.remember(key, denied, 1_000);
  expect(["a", "b", "c"].filter((key) => denials.recall(key, 2, 10, 1_001))).toEqual(["b", "c"]);
});
