import { expect, test } from "vitest";
import { parsePdJson } from "./pd-json.ts";
import { PdStore, PdStores } from "./pd-stores.ts";
import { recorded } from "./recorded.fixture.ts";
import { StoreBlame } from "./store-blame.ts";

/** The recorded stores, where those named say so of store 7. */
function storesThatSay(scores: Record<string, number>) {
  const { stores } = PdStores.parse(parsePdJson(recorded("50-pd-v8.5.5/stores").body));
  return (stores ?? []).map((one) => {
    const score = scores[one.store.id];
    return { ...one, status: { ...one.status, ...(score !== undefined && { network_slow_score: { "7": score } }) } };
  });
}

test("a score that rises is told apart from one that only hasn't fallen yet", () => {
  const blame = new StoreBlame();
  const roseAt = (atMs: number, score: number) =>
    blame.learn(storesThatSay({ "1": score }), atMs).get("store-7")?.blamedBy["store-1"];
  expect(roseAt(0, 50)).toEqual({ score: 50, rose: 0 });
  expect(roseAt(1_000, 48)).toEqual({ score: 48, rose: 0 });
  expect(roseAt(2_000, 60)).toEqual({ score: 60, rose: 12 });
  expect(roseAt(9_000, 60)).toEqual({ score: 60, rose: 12 });
  expect(roseAt(13_000, 59)).toEqual({ score: 59, rose: 0 });
});

test("a score that wasn't there has risen from 1", () => {
  const blame = new StoreBlame();
  blame.learn(storesThatSay({}), 0);
  expect(blame.learn(storesThatSay({ "1": 32, "2": 1 }), 30_000).get("store-7")).toEqual({
    blamedBy: { "store-1": { score: 32, rose: 31 } },
    blamerCount: 1,
  });
});

test("what held until a rise counts, however seldom it's read", () => {
  const blame = new StoreBlame();
  blame.learn(storesThatSay({ "1": 10 }), 0);
  blame.learn(storesThatSay({ "1": 30 }), 60_000);
  expect(blame.learn(storesThatSay({ "1": 30 }), 61_000).get("store-7")?.blamedBy).toEqual({
    "store-1": { score: 30, rose: 20 },
  });
});

/** As a new leader of PD lists stores that it hasn't heard from: what they reported isn't kept. */
function notHeard(stores: readonly PdStore[], ...ids: string[]): PdStore[] {
  const status = PdStore.shape.status.parse({ capacity: "0B", available: "0B", used_size: "0B" });
  return stores.map((one) => (ids.includes(one.store.id) ? { ...one, status } : one));
}

test("what a store says first to a new leader of PD is no rise, though that leader had no score of it before", () => {
  const blame = new StoreBlame();
  const said = (stores: readonly PdStore[], atMs: number) => blame.learn(stores, atMs).get("store-7")?.blamedBy;
  said(storesThatSay({ "1": 62, "2": 20 }), 0);
  expect(said(notHeard(storesThatSay({}), "1", "2", "7"), 1_000)).toBeUndefined();
  // Store 1 has reported, store 2 not yet.
  expect(said(notHeard(storesThatSay({ "1": 60 }), "2"), 5_000)).toEqual({ "store-1": { score: 60, rose: 0 } });
  expect(said(storesThatSay({ "1": 60, "2": 40 }), 8_000)).toEqual({
    "store-1": { score: 60, rose: 0 },
    "store-2": { score: 40, rose: 0 },
  });
  expect(said(storesThatSay({ "1": 70, "2": 39 }), 15_000)).toMatchObject({
    "store-1": { rose: 10 },
    "store-2": { rose: 0 },
  });
});

test("of two thousand that blame one store the worst eight are told, those first whose score rose, and how many there are", () => {
  const blame = new StoreBlame();
  const [any] = storesThatSay({});
  if (!any) throw new Error("no store was recorded");
  const all = (scoreOf: (at: number) => number) =>
    Array.from({ length: 2_000 }, (_, at): PdStore => {
      const store = { ...any.store, id: `${1_000 + at}` };
      return { store, status: { ...any.status, network_slow_score: { "7": scoreOf(at) } } };
    });
  blame.learn(
    all((at) => (at < 2 ? 10 : 50 + (at % 50))),
    0,
  );
  const said = blame
    .learn(
      all((at) => (at < 2 ? 30 + at : 50 + (at % 50))),
      1_000,
    )
    .get("store-7");
  expect(said?.blamerCount).toBe(2_000);
  expect(Object.entries(said?.blamedBy ?? {}).map(([by, { score, rose }]) => [by, score, rose])).toEqual([
    ["store-1001", 31, 21],
    ["store-1000", 30, 20],
    ...["1049", "1099", "1149", "1199", "1249", "1299"].map((id) => [`store-${id}`, 99, 0]),
  ]);
});
