import { expect, test } from "vitest";
import { createAccount } from "./account.ts";

// What a node remembers of its admissions.

const second = 1_000_000;
const bounds = { keysMax: 3, hitsMax: 100, hitsPerKeyMax: 10 };
/** Long after this process began, by any clock. */
const startUs = 1_800_000_000 * second;
const ask = (sinceUs: number[], windowMs = 10_000, nowUs = startUs + 30 * second) => ({
  sinceUs,
  untilUs: nowUs,
  nowUs,
  windowMs,
  isConnected: true,
});

test("hits are counted after one time and until another, each with its cost", () => {
  const account = createAccount(bounds);
  for (const at of [1, 2, 3]) account.admitted("k", at, startUs + at * second, 10_000);
  const { admitted } = account.read("k", ask([startUs, startUs + second, startUs + 3 * second]));
  expect(admitted).toEqual([6, 5, 0]);
  expect(account.read("k", { ...ask([startUs]), untilUs: startUs + 2 * second }).admitted).toEqual([3]);
  expect(account.read("other", ask([startUs])).admitted).toEqual([0]);
});

test.each<[string, (account: ReturnType<typeof createAccount>) => void, number]>([
  ["a key of more hits than are kept", (account) => { for (let at = 1; at <= 15; at++) account.admitted("k", 1, startUs + at * second, 10_000); }, startUs + 5 * second],
  ["more keys than are kept", (account) => { for (let at = 1; at <= 5; at++) account.admitted(`k${at}`, 1, startUs + at * second, 10_000); }, startUs + 2 * second],
  ["another window", (account) => { account.admitted("k", 1, startUs + second, 5_000); account.admitted("k", 1, startUs + 4 * second, 10_000); }, startUs + 4 * second],
])("after %s it says from when on it is complete", (_, happen, fromUs) => {
  const account = createAccount(bounds);
  happen(account);
  // Asked as of the beginning, so that neither this process' start nor what is too old hides it.
  expect(account.read("k", ask([], 10_000, startUs)).fromUs).toBe(fromUs);
}); // prettier-ignore

test("a process knows nothing of what was admitted before it began", () => {
  const { fromUs } = createAccount(bounds).read("k", ask([]));
  expect((startUs + 30 * second - fromUs) / 1_000).toBeLessThanOrEqual(performance.now() + 1);
});
