import { afterAll, beforeAll, expect, test } from "vitest";
import { z } from "zod";
import { ask, type ClusterFixture, startCluster } from "./cluster.fixture.ts";
import { until } from "./until.fixture.ts";

// Ten times as fast as a real one. Four stores, so that one can leave.
let cluster: ClusterFixture;
let url: string;
beforeAll(async () => {
  cluster = await startCluster({ scale: 10, stores: 4, withWorkload: true });
  await cluster.startAll();
  url = `${cluster.pds[0]?.url}/pd/api/v1`;
});
afterAll(async () => await cluster[Symbol.asyncDispose]());

const post = async (path: string, body: object) => await ask("POST", `${url}${path}`, { body: JSON.stringify(body) });
const leaders = async (name: string) => (await cluster.storeOf(name)).status.leader_count;
/** The store that leads most, by its member's name. */
const busiest = async () => {
  const [first] = (await cluster.storesNow()).sort((a, b) => b.status.leader_count - a.status.leader_count);
  return cluster.tikvs.find(({ address }) => address === first?.store.address)?.name ?? "";
};

test("evict-leader empties a store, for as long as it's there", async () => {
  const name = await busiest();
  const { id } = (await cluster.storeOf(name)).store;
  expect((await post("/schedulers", { name: "evict-leader-scheduler", store_id: id })).text).toBe(
    '"The scheduler is created."\n',
  );
  await until("it leads nothing", async () => (await leaders(name)) === 0);
  expect((await cluster.storeOf(name)).store.state_name).toBe("Up");
  await ask("DELETE", `${url}/schedulers/evict-leader-scheduler-${id}`);
  await until("leaders come back", async () => (await leaders(name)) > 2);
});

test("with a leader limit of 0 it says that it's created, and nothing happens", async () => {
  const name = await busiest();
  const { id } = (await cluster.storeOf(name)).store;
  await post("/config", { "leader-schedule-limit": 0 });
  await until(
    "what was under way is done",
    async () => (await ask("GET", `${url}/operators?kind=leader`)).text === "[]\n",
  );
  const before = await leaders(name);
  expect(before).toBeGreaterThan(0);
  expect((await post("/schedulers", { name: "evict-leader-scheduler", store_id: id })).status).toBe(200);
  // Throughout a time that is longer than it takes with another limit.
  for (const endMs = performance.now() + 1_500; performance.now() < endMs;) {
    expect(await leaders(name)).toBe(before);
  }
  expect((await ask("GET", `${url}/operators?kind=leader`)).text).toBe("[]\n");
  await post("/config", { "leader-schedule-limit": 4 });
  await until("now it's emptied", async () => (await leaders(name)) === 0);
  await ask("DELETE", `${url}/schedulers/evict-leader-scheduler`);
});

test("a region splits where it's told to", async () => {
  const count = async () => z.object({ count: z.int() }).parse((await ask("GET", `${url}/regions/count`)).body).count;
  const before = await count();
  const key = Buffer.from("k000010000").toString("hex").toUpperCase();
  const answered = await post("/regions/split", { split_keys: [key], retry_limit: 5 });
  const { "regions-id": made } = z
    .object({ "processed-percentage": z.literal(100), "regions-id": z.array(z.int()) })
    .parse(answered.body);
  expect(await count()).toBe(before + 1);
  const left = z.object({ end_key: z.string() }).parse((await ask("GET", `${url}/region/id/${made[0]}`)).body);
  expect(left.end_key).toBe(key);
  const right = z.object({ start_key: z.string() }).parse((await ask("GET", `${url}/region/key/k000010001`)).body);
  expect(right.start_key).toBe(key);
});

test("a peer too many is taken away again, so that a store can leave all the same", async () => {
  const extra = async () =>
    z.object({ count: z.int() }).parse((await cluster.pd("/regions/check/extra-peer")).body).count;
  const Region = z.object({ id: z.int(), peers: z.array(z.object({ store_id: z.int() })) });
  const { regions } = z.object({ regions: z.array(Region) }).parse((await cluster.pd("/regions")).body);
  const [region] = regions;
  const stores = await cluster.storesNow();
  const outside = stores.find(({ store }) => !region?.peers.some(({ store_id }) => store_id === store.id));
  await post("/operators", { name: "add-peer", region_id: region?.id, store_id: outside?.store.id });
  const logs = () => cluster.pds.map(({ name }) => cluster.member(name).output).join("");
  await until("it's to be taken away", () => logs().includes("remove-orphan-peer"));
  await until("it is", async () => (await extra()) === 0);
});

test("a store that leaves is emptied, becomes a tombstone, and is forgotten; its process goes on", async () => {
  const { id } = (await cluster.storeOf("tikv-4")).store;
  await post("/stores/limit", { rate: 6_000 });
  expect((await ask("DELETE", `${url}/store/${id}`)).text).toBe('"The store is set as Offline."\n');
  expect((await cluster.storeOf("tikv-4")).store.state_name).toBe("Offline");
  const state = async () => (await ask("GET", `${url}/store/${id}`)).text;
  await until("it's a tombstone", async () => (await state()).includes('"state_name": "Tombstone"'), 40_000);
  expect((await cluster.storesNow()).map(({ store }) => store.id)).not.toContain(id);
  expect((await ask("GET", `${url}/stores?state=2`)).text).toContain('"count": 1');
  expect((await ask("GET", `http://${cluster.tikvs[3]?.status}/status`)).status).toBe(200);
  const back = await ask("POST", `${url}/store/${id}/state?state=Up`);
  expect([back.status, back.text]).toEqual([400, `"[PD:core:ErrStoreRemoved]store ${id} has been removed"\n`]);
  expect((await cluster.pd("/regions/check/miss-peer")).text).toBe('{"count":0,"regions":[]}');
  await ask("DELETE", `${url}/stores/remove-tombstone`);
  expect((await ask("GET", `${url}/store/${id}`)).status).toBe(404);
});

test("every change by the API is in the log of PD's leader, with who says to have made it", async () => {
  await ask("POST", `${url}/config`, { body: '{"leader-schedule-limit":4}', headers: { "X-Caller-ID": "a-test" } });
  const logs = cluster.pds.map(({ name }) => cluster.member(name).output).join("");
  expect(logs).toMatch(
    /\[INFO\] \[audit\.go:135\] \["audit log"\] \[service-info="\{ServiceLabel:SetConfig, .*CallerID:a-test/,
  );
  expect(logs.split("\n")[0]).toContain("this is a simulator");
});
