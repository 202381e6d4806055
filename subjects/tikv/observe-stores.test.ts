import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Agent } from "undici";
import { afterEach, beforeEach, expect, test } from "vitest";
import { z } from "zod";
import { KnownStores } from "./known-stores.ts";
import { storesSource } from "./observe-stores.ts";
import { PdClient, pdDispatcher } from "./pd-client.ts";
import { storesPath } from "./pd-stores.ts";
import { recorded, type Recorded, serveRecorded, type Serving } from "./recorded.fixture.ts";
import { StoreReading } from "./state.ts";

let dispatcher: Agent;
let pd: Serving;
const answers: Recorded[] = [];
beforeEach(async () => {
  dispatcher = pdDispatcher();
  pd = await serveRecorded(answers);
});
afterEach(async () => {
  await dispatcher.destroy();
  await pd[Symbol.asyncDispose]();
});

const base = recorded("50-pd-v8.5.5/stores");
const says = (body: string) => answers.splice(0, 1, { ...base, path: storesPath, body });
const bodyOf = (file: string) => readFileSync(join(import.meta.dirname, "recordings", file), "utf8");

function watch(nowMs?: () => number) {
  const known = new KnownStores();
  const source = storesSource(new PdClient([pd], dispatcher), known, nowMs);
  const read = async () => {
    const readings = await source.read(AbortSignal.timeout(source.timeoutMs));
    return Object.fromEntries(
      Object.entries(readings).map(([target, reading]) => [
        target,
        "value" in reading ? StoreReading.parse(reading.value) : reading,
      ]),
    );
  };
  return { known, source, read };
}

test("a store that doesn't answer is looked up at once: it may have been stopped, or taken out, less than a second ago", () => {
  const { source } = watch();
  expect(["store-1", "pd-1"].map((target) => source.tellsWhy?.(target))).toEqual([true, false]);
});

test("each store as v8.5.5 lists it, in one request", async () => {
  says(base.body);
  const { read, known, source } = watch();
  expect(source.targets()).toEqual(["store-list"]);
  expect(await read()).toEqual({
    "store-list": { left: true },
    "store-1": {
      id: "1",
      address: "127.0.0.1:20162",
      statusAddress: "127.0.0.1:20182",
      version: "9.0.0-beta.2",
      state: "Up",
      nodeState: "Serving",
      lastHeartbeatMs: 1_795_242_551_217,
      startedAtMs: 1_795_242_500_000,
      capacityBytes: 10 * 2 ** 30,
      availableBytes: Math.round(9.737 * 2 ** 30),
      usedBytes: Math.round(268.8 * 2 ** 20),
      leaderCount: 5,
      regionCount: 5,
      pendingPeerCount: 0,
      slowScore: 1,
      isBusy: false,
    },
    "store-2": expect.objectContaining({ address: "127.0.0.1:20161", leaderCount: 0 }),
    "store-7": expect.objectContaining({ address: "127.0.0.1:20160", leaderCount: 0 }),
  });
  expect(pd.asked.map(({ path }) => path)).toEqual([storesPath]);
  expect(source.targets()).toEqual(["store-1", "store-2", "store-7"]);
  expect(known.watched().get("store-7")).toEqual({
    id: "7",
    address: "127.0.0.1:20160",
    statusAddress: "127.0.0.1:20180",
    isTombstone: false,
  });
});

test("a new store has neither a heartbeat nor a size", async () => {
  const store = {
    id: 9,
    address: "h:1",
    state_name: "Down",
    node_state: 0,
    last_heartbeat: -6_795_364_578_871_345_152,
  };
  says(JSON.stringify({ count: 1, stores: [{ store, status: { capacity: "0B", available: "0B", used_size: "0B" } }] }));
  expect((await watch().read())["store-9"]).toEqual({
    id: "9",
    address: "h:1",
    state: "Down",
    nodeState: "Preparing",
    leaderCount: 0,
    regionCount: 0,
    pendingPeerCount: 0,
    isBusy: false,
  });
});

test("an odd size is absent, and costs the list nothing; a store that listens everywhere is where its address is", async () => {
  const store = { id: 9, address: "tikv-9:20160", status_address: "0.0.0.0:20180", state_name: "Up" };
  const status = { capacity: "10 elephants", available: "1.5GiB", used_size: "0B" };
  says(JSON.stringify({ count: 1, stores: [{ store, status }] }));
  const { known, read } = watch();
  const reading = (await read())["store-9"];
  expect(reading).toMatchObject({ availableBytes: 1.5 * 2 ** 30, usedBytes: 0 });
  expect(reading).not.toHaveProperty("capacityBytes");
  expect(known.watched().get("store-9")?.statusAddress).toBe("tikv-9:20180");
});

test("of a cluster of more than 2,000 stores the first are watched", async () => {
  const stores = Array.from({ length: 2_010 }, (_, at) => ({
    store: { id: 3_000 - at, address: "h:1", state_name: "Up" },
    status: {},
  }));
  says(JSON.stringify({ count: stores.length, stores }));
  const { known, read } = watch();
  await read();
  expect([known.listed().size, known.listed().has("store-991"), known.listed().has("store-3000")]).toEqual([
    2_000,
    true,
    false,
  ]);
});

test("a tombstone is read and isn't watched; once PD forgets it, it's shown for a minute, then it has left", async () => {
  let now = 1_000_000;
  const { known, read } = watch(() => now);
  const [up, tombstone] = ["stores-before", "stores-tombstone"].map((name) => bodyOf(`38-offline-store/${name}.json`));
  says(up ?? "");
  expect((await read())["store-1"]).toMatchObject({ state: "Up" });
  says(tombstone ?? "");
  expect((await read())["store-1"]).toMatchObject({ state: "Tombstone", nodeState: "Removed" });
  expect([known.listed().has("store-1"), known.watched().has("store-1")]).toEqual([true, false]);
  says(bodyOf("38-offline-store/stores-after.json"));
  now += 60_000;
  expect((await read())["store-1"]).toMatchObject({ id: "1", state: "Tombstone", nodeState: "Removed" });
  now += 1;
  expect((await read())["store-1"]).toEqual({ left: true });
});

test("who finds the network to a store slow is told of that store", async () => {
  says(bodyOf("21-sigstop-one-tikv/final-stores.json"));
  const read = await watch().read();
  expect(read["store-7"]).toMatchObject({ blamedBy: { "store-1": { rose: 0 }, "store-2": { rose: 0 } } });
  expect(read["store-1"]).not.toHaveProperty("blamedBy");
});

test("without an answer of PD there's no reading", async () => {
  says("");
  answers.splice(0, 1, { ...recorded("00-pd-not-bootstrapped/stores"), path: storesPath });
  await expect(watch().read()).rejects.toMatchObject({ code: "ErrNotBootstrapped" });
});

test("the reading of a store that all two thousand others blame is small", async () => {
  const { stores } = z
    .object({ stores: z.array(z.looseObject({ store: z.looseObject({}), status: z.looseObject({}) })) })
    .parse(JSON.parse(base.body));
  const many = Array.from({ length: 2_000 }, (_, at) => ({
    store: { ...stores[0]?.store, id: at + 1 },
    status: { ...stores[0]?.status, ...(at > 0 && { network_slow_score: { "1": 99 } }) },
  }));
  says(JSON.stringify({ count: many.length, stores: many }));
  const reading = (await watch().read())["store-1"];
  expect(reading).toMatchObject({ blamerCount: 1_999 });
  expect(JSON.stringify(reading).length).toBeLessThan(2_000);
});
