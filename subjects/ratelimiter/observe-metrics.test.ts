import { once } from "node:events";
import { createServer, type RequestListener } from "node:http";
import { afterEach, expect, test } from "vitest";
import { metricsSource, scrapeOf } from "./observe-metrics.ts";
import { KnownNodes } from "./observe-nodes.ts";

const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

/** A node that is anything but: it answers as told. */
async function serve(listener: RequestListener): Promise<string> {
  const server = createServer(listener).listen(0, "127.0.0.1");
  await once(server, "listening");
  closing.push(async () => {
    server.closeAllConnections();
    server.close();
    await once(server, "close");
  });
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port was given");
  return `http://127.0.0.1:${address.port}`;
}

async function read(...urls: string[]) {
  const nodes = new KnownNodes(new Map(urls.map((url, at) => [`node-${at}`, url])));
  const source = metricsSource(nodes);
  closing.push(source.close);
  // Nobody else ends it: whatever is given up is given up by the source itself.
  return await source.read(new AbortController().signal);
}

const line = "ratelimiter_redis_connected 1\n";

test("a page of a mebibyte is read, a larger one refused", async () => {
  const pageOf = (bytes: number) => line.padEnd(bytes - 1, "#") + "\n";
  const fits = await serve((_, response) => response.end(pageOf(1_048_576)));
  const larger = await serve((_, response) => response.end(pageOf(1_048_577)));
  expect(await read(fits, larger)).toEqual({
    "node-0": { value: { redisConnected: true } },
    "node-1": { error: { code: "METRICS_TOO_LARGE", message: `GET ${larger}/metrics has more than 1048576 bytes` } },
  });
});

test("a page without an end is given up, and so is the connection that brings it", async () => {
  const gone = Promise.withResolvers<void>();
  const endless = await serve((_, response) => {
    response.on("close", gone.resolve);
    const write = () => void (response.writable && response.write("# nothing\n".repeat(10_000), write));
    write();
  });
  expect(await read(endless)).toMatchObject({ "node-0": { error: { code: "METRICS_TOO_LARGE" } } });
  await gone.promise;
});

test("a page that comes drop by drop is a timeout of its own node, and no other's", async () => {
  const slow = await serve((_, response) => {
    const timer = setInterval(() => response.write("#\n"), 50);
    response.on("close", () => clearInterval(timer));
  });
  const quick = await serve((_, response) => response.end(line));
  expect(await read(slow, quick)).toMatchObject({
    "node-0": { error: { code: "METRICS_TIMEOUT", message: `GET ${slow}/metrics didn't end within 800 ms` } },
    "node-1": { value: { redisConnected: true } },
  });
});

test("an answer that is no page is an error, whatever it says", async () => {
  const broken = await serve((_, response) => response.writeHead(500).end(line));
  expect(await read(broken)).toMatchObject({ "node-0": { error: { code: "METRICS_STATUS" } } });
});

test("no more nodes are read than there are to be", async () => {
  const url = await serve((_, response) => response.end(line));
  expect(Object.keys(await read(...Array.from({ length: 300 }, () => url)))).toHaveLength(256);
});

test("of a node that left nothing is kept: when it comes back, its window begins anew", async () => {
  const url = await serve((_, response) => response.end(line));
  const nodes = new KnownNodes(new Map([["node-a", url]]));
  const source = metricsSource(nodes);
  closing.push(source.close);
  const signal = new AbortController().signal;
  await source.read(signal);
  expect(await source.read(signal)).toMatchObject({ "node-a": { value: { windowMs: expect.any(Number) } } });

  nodes.learn({ redisTimeMs: 1, members: [], nodes: {}, departed: { "node-a": 1 } });
  expect(await source.read(signal)).toEqual({ "node-a": { left: true } });
  nodes.learn({ redisTimeMs: 2, members: ["node-a"], nodes: {}, departed: {} });
  expect(await source.read(signal)).toEqual({ "node-a": { value: { redisConnected: true } } });
});

test("of a page with any number of buckets, outcomes and sources, so much is kept as a node has", () => {
  const many = (write: (at: number) => string) => Array.from({ length: 1_000 }, (_, at) => write(at + 1)).join("\n");
  const scrape = scrapeOf(
    [
      many((at) => `ratelimiter_decision_duration_seconds_bucket{le="${at}"} 1`),
      many((at) => `ratelimiter_decisions_total{outcome="o${at}",source="s${at}"} 1`),
      `ratelimiter_decisions_total{outcome="allowed",source="redis"} 3`,
    ].join("\n"),
    1,
  );
  expect(scrape.buckets.size).toBe(100);
  expect(scrape.decisions).toEqual({ outcome: { allowed: 3 }, source: { redis: 3 } });
});

test.each([
  ["a count below none", `ratelimiter_decisions_total{outcome="allowed"} -1`],
  ["no number", `ratelimiter_decisions_total{outcome="allowed"} NaN`],
  ["a count without an end", `ratelimiter_decisions_total{outcome="allowed"} +Inf`],
  ["a bucket of no bound", `ratelimiter_decision_duration_seconds_bucket 1`],
  ["a bucket below nothing", `ratelimiter_decision_duration_seconds_bucket{le="-1"} 1`],
  ["a bucket of any word", `ratelimiter_decision_duration_seconds_bucket{le="fast"} 1`],
])("%s is passed over", (_, page) => {
  expect(scrapeOf(page, 1)).toEqual({ atMs: 1, decisions: { outcome: {}, source: {} }, buckets: new Map() });
});
