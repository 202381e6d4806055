import { expect, test } from "vitest";
import { Bill } from "./bill.ts";

test("a bill adds its calls up, and says when one of them is a guess", () => {
  const bill = new Bill("claude-opus-5-5");
  expect(bill.cost).toBeUndefined();
  bill.add({ inputTokens: 100, cacheReadTokens: 20, cacheWriteTokens: 3, outputTokens: 10 });
  expect(bill.cost).toEqual({ usd: expect.closeTo(0.000619) as unknown, inputTokens: 123, outputTokens: 10, calls: 1 });
  bill.addMost({ max_tokens: 1_000 });
  expect(bill.cost).toMatchObject({ outputTokens: 1_010, calls: 2, upperBound: true });
  bill.add({ inputTokens: 1, cacheReadTokens: 0, cacheWriteTokens: 0, outputTokens: 1 });
  expect(bill.cost).toMatchObject({ calls: 3, upperBound: true });
});
