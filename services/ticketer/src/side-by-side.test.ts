import { expect, test } from "vitest";
import { Recent } from "./recent.ts";
import { sideBySide } from "./side-by-side.ts";

test("so many are under way at a time, and all are done", async () => {
  const done: number[] = [];
  let underWay = 0;
  let most = 0;
  await sideBySide([1, 2, 3, 4, 5], 2, async (item) => {
    most = Math.max(most, ++underWay);
    await Promise.resolve();
    underWay -= 1;
    done.push(item);
  });
  expect(done.toSorted((a, b) => a - b)).toEqual([1, 2, 3, 4, 5]);
  expect(most).toBe(2);
});

test("the first failure is thrown when those under way have ended, and nothing is begun after it", async () => {
  const begun: number[] = [];
  const { promise, resolve } = Promise.withResolvers<void>();
  const all = sideBySide([1, 2, 3], 2, async (item) => {
    begun.push(item);
    if (item === 1) throw new Error("one failed");
    await promise;
  });
  let isOver = false;
  const over = all.catch((error: unknown) => {
    isOver = true;
    return error;
  });
  await new Promise((next) => setImmediate(next));
  expect(isOver).toBe(false);
  resolve();
  expect(await over).toEqual(new Error("one failed"));
  expect(begun).toEqual([1, 2]);
});

test("the entries used last stay", () => {
  const recent = new Recent<number>(2);
  recent.set("a", 1);
  recent.set("b", 2);
  recent.get("a");
  recent.set("c", 3);
  expect([recent.get("a"), recent.get("b"), recent.get("c")]).toEqual([1, undefined, 3]);
});
