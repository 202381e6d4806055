import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type History, quantile, readWindow, type Scrape } from "./observe-window.ts";

const seed = Number(process.env["SEED"] ?? Date.now() % 2 ** 31);
console.log(`window properties: SEED=${seed}`);

/** `fast` decisions of under 1 ms and `slow` ones of 100 to 250 ms, all counted since the start. */
function scrape(atMs: number, fast: number, slow: number, processStart = 1): Scrape {
  return {
    atMs,
    processStart,
    redisConnected: true,
    decisions: { outcome: { allowed: fast, denied: slow, error: 0 }, source: { redis: fast + slow, fail_open: 0 } },
    buckets: new Map([
      [0.001, fast],
      [0.1, fast],
      [0.25, fast + slow],
      [Infinity, fast + slow],
    ]),
  };
}

function readAll(...scrapes: Scrape[]) {
  let history: History = [];
  return scrapes.map((next) => {
    const read = readWindow(history, next);
    history = read.history;
    return read.reading;
  });
}

describe("a window", () => {
  test("needs two scrapes; the first says only what isn't counted", () => {
    expect(readAll(scrape(0, 100, 0))).toEqual([{ redisConnected: true }]);
  });

  test("gives rates and latencies of what came between", () => {
    expect(readAll(scrape(0, 100, 0), scrape(1_000, 150, 50)).at(-1)).toEqual({
      redisConnected: true,
      windowMs: 1_000,
      requests: 100,
      allowedPerS: 50,
      deniedPerS: 50,
      errorPerS: 0,
      byRedisPerS: 100,
      byFailOpenPerS: 0,
      byFailClosedPerS: 0,
      allowedLately: 50,
      failedOpenLately: 0,
      latencyP50Ms: 1,
      latencyP99Ms: 247,
    });
  });

  test("tells what came since the reading before apart from the whole window", () => {
    const readings = readAll(scrape(0, 0, 0), scrape(1_000, 30, 0), scrape(2_000, 32, 0), scrape(3_000, 32, 0));
    expect(readings.map(({ allowedLately }) => allowedLately)).toEqual([undefined, 30, 2, 0]);
    expect(readings.at(-1)?.allowedPerS).toBeGreaterThan(0);
  });

  test("is 10 s long: what was slow before is forgotten", () => {
    const scrapes = Array.from({ length: 21 }, (_, at) => scrape(at * 1_000, at * 10, Math.min(at, 5)));
    const readings = readAll(...scrapes);
    expect(readings[9]).toMatchObject({ windowMs: 9_000, requests: 95 });
    expect(readings[14]).toMatchObject({ windowMs: 10_000, requests: 101 });
    expect(readings[14]?.latencyP99Ms).toBeLessThan(10);
    expect(readings[15]).toMatchObject({ windowMs: 10_000, requests: 100, latencyP99Ms: 0.99 });
  });

  test("begins anew with another process, even one that has counted more", () => {
    const readings = readAll(
      scrape(0, 10, 0),
      scrape(1_000, 20, 0),
      scrape(2_000, 500, 0, 2),
      scrape(3_000, 510, 0, 2),
    );
    expect(readings[2]).toEqual({ redisConnected: true });
    expect(readings[3]).toMatchObject({ windowMs: 1_000, requests: 10 });
  });

  test("begins anew when a counter fell", () => {
    expect(readAll(scrape(0, 10, 0), scrape(1_000, 3, 0)).at(-1)).toEqual({ redisConnected: true });
  });

  test("isn't made of scrapes that are too old", () => {
    expect(readAll(scrape(0, 10, 0), scrape(20_000, 30, 0)).at(-1)).toEqual({ redisConnected: true });
  });

  test("in which nothing was decided has no latency", () => {
    const reading = readAll(scrape(0, 10, 0), scrape(1_000, 10, 0)).at(-1);
    expect(reading).toMatchObject({ requests: 0, allowedPerS: 0 });
    expect(reading).not.toHaveProperty("latencyP99Ms");
  });

  test("keeps few scrapes, however often it's read", () => {
    let history: History = [];
    for (let at = 0; at < 1_000; at += 1) history = readWindow(history, scrape(at, at, 0)).history;
    expect(history.length).toBeLessThanOrEqual(64);
  });
});

const bounds = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, Infinity];

test("a quantile lies in the bucket of the exact one", () => {
  const values = fc.array(fc.double({ min: 0.0001, max: 10, noNaN: true }), { minLength: 1, maxLength: 200 });
  fc.assert(
    fc.property(values, fc.constantFrom(0.5, 0.9, 0.99), (values, q) => {
      const buckets = bounds.map((bound) => [bound, values.filter((value) => value <= bound).length] as const);
      const exact = values.toSorted((a, b) => a - b)[Math.ceil(q * values.length) - 1] ?? 0;
      const at = bounds.findIndex((bound) => exact <= bound);
      const found = quantile(buckets, q) ?? -1;
      expect(found).toBeGreaterThanOrEqual(bounds[at - 1] ?? 0);
      expect(found).toBeLessThanOrEqual(Math.min(bounds[at] ?? 0, 2.5));
    }),
    { seed },
  );
});

test("a broken histogram gives a finite number or nothing", () => {
  const buckets = fc.array(fc.tuple(fc.constantFrom(...bounds), fc.double({ noNaN: true, noDefaultInfinity: true })), {
    maxLength: 12,
  });
  fc.assert(
    fc.property(buckets, fc.double({ min: 0, max: 1, noNaN: true }), (buckets, q) => {
      const found = quantile(
        buckets.toSorted(([a], [b]) => a - b),
        q,
      );
      if (found !== undefined) expect(Number.isFinite(found)).toBe(true);
    }),
    { seed },
  );
});
