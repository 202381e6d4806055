import * as fc from "fast-check";
import { expect, test } from "vitest";
import { estimateOf, isPriced, mostOf, tokensFor, usdOf } from "./prices.ts";

const million = { inputTokens: 1e6, cacheReadTokens: 0, cacheWriteTokens: 0, outputTokens: 1e6 };

test.each([
  ["the default model", "claude-opus-5-5", million, 24],
  ["the same with its day", "claude-opus-5-5-20260901", million, 24],
  ["read from the cache and written to it", "claude-opus-5-5", { inputTokens: 0, cacheReadTokens: 1e6, cacheWriteTokens: 1e6, outputTokens: 0 }, 5.2],
  ["a long question to a model that takes more for it", "claude-haiku-5-5", million, 3],
  ["a short one", "claude-haiku-5-5", { ...million, inputTokens: 1e5 }, 0.51],
  ["a model that nobody knows: the dearest", "claude-opus-5-5-turbo", million, 48],
])("%s", (_, model, usage, usd) => {
  expect(usdOf(model, usage)).toBeCloseTo(usd, 9);
}); // prettier-ignore

test("a model is priced by its whole name or with its day, not by its beginning", () => {
  expect(["claude-opus-5-5", "claude-opus-5-5-20260901", "claude-opus-5-5-turbo", "claude"].map(isPriced)).toEqual([true, true, false, false]); // prettier-ignore
});

test("an answer of as many tokens as a budget pays for costs no more than the budget, and one of more would", () => {
  const models = fc.constantFrom("claude-opus-5-5", "claude-haiku-5-5", "claude-unknown");
  fc.assert(
    fc.property(
      models,
      fc.double({ min: 0, max: 5, noNaN: true }),
      fc.string({ maxLength: 5_000 }),
      (model, usd, text) => {
        const request = { max_tokens: 1, text };
        const tokens = tokensFor(model, request, usd);
        const costs = (count: number) => usdOf(model, { ...mostOf(request), outputTokens: count });
        if (tokens > 0) expect(costs(tokens)).toBeLessThanOrEqual(usd + 1e-9);
        expect(costs(tokens + 2)).toBeGreaterThan(usd);
      },
    ),
  );
});

test("an estimate is of the whole request, its usual question less than the most, which the longest answer is part of", () => {
  const request = { max_tokens: 1_000, text: "ä".repeat(3_000) };
  const { bytes, question, most } = estimateOf("claude-opus-5-5", request);
  expect(bytes).toBe(Buffer.byteLength(JSON.stringify(request)));
  expect(question).toEqual({ tokens: Math.ceil(bytes / 3), usd: expect.closeTo((bytes / 3) * 5e-6, 4) as unknown });
  expect(most).toEqual({ answerTokens: 1_000, usd: usdOf("claude-opus-5-5", mostOf(request)) });
  expect(most.usd).toBeCloseTo((bytes / 2) * 5e-6 + 1_000 * 20e-6, 4);
});
