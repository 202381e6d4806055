import type { ServerResponse } from "node:http";
import type { Json } from "@operator/contracts/json";
import { afterAll, beforeAll, expect, test } from "vitest";
import { z } from "zod";
import { hands, inTime } from "./action-exchange.fixture.ts";
import { ask, stateWith } from "./action-state.fixture.ts";
import { actions } from "./actions.ts";
import { serve, type Serving } from "./recorded.fixture.ts";
import { type ClusterFixture, startCluster } from "./simulator/src/cluster.fixture.ts";
import { until } from "./simulator/src/until.fixture.ts";

// Each action on a whole cluster of simulated members: its effect, and what its undo gives back.

let cluster: ClusterFixture;
/** What actions write to, in PD's place: it passes everything on. */
let door: Serving;
let environment: Record<string, string>;

beforeAll(async () => {
  cluster = await startCluster({ withWorkload: true });
  await cluster.startAll();
  door = await serve((_, response) => void passOn(response));
  environment = { TIKV_PD_ENDPOINTS: door.url };
});
afterAll(async () => {
  await door[Symbol.asyncDispose]();
  await cluster[Symbol.asyncDispose]();
});

async function passOn(response: ServerResponse): Promise<void> {
  const { method = "GET", path = "", body = "", headers } = door.asked.at(-1) ?? {};
  const answer = await fetch(`${cluster.pds[0]?.url}${path}`, {
    method,
    headers: { "x-caller-id": String(headers?.["x-caller-id"] ?? "") },
    ...(body !== "" && { body }),
  });
  response.writeHead(answer.status, { "content-type": answer.headers.get("content-type") ?? "" });
  response.end(await answer.text());
}

/** Who asked PD for a change, by the action or undo that was done. */
const callers = new Map<string, unknown[]>();
async function watched<Result>(what: string, work: () => Promise<Result>): Promise<Result> {
  const from = door.asked.length;
  const result = await work();
  const writes = door.asked.slice(from).filter(({ method }) => method !== "GET");
  callers.set(what, [...(callers.get(what) ?? []), ...writes.map(({ headers }) => headers["x-caller-id"])]);
  return result;
}

/** As the actuator does it, after its guard. */
async function carryOut(name: string, target: string, parameters: object) {
  const leader = await leaderOfPd();
  const state = stateWith(({ members }) => void (members["cluster"]!.leader = leader));
  const { action, given } = ask(name, state, target, parameters);
  let before: Json | undefined;
  const keep = (value: Json) => {
    before = value;
    return Promise.resolve();
  };
  const { effect } = await watched(name, () =>
    action.execute({ ...given, keep }, hands(environment), AbortSignal.timeout(20_000)),
  );
  const undo = async () => await action.undo?.({ ...given, before }, hands(environment), inTime());
  return { effect, undo: () => watched(`the undo of ${name}`, undo) };
}

const read = async <Schema extends z.ZodType>(path: string, schema: Schema): Promise<z.infer<Schema>> =>
  schema.parse((await cluster.pd(path)).body);
/** What a person does by hand. */
const post = async (path: string, body: object) => {
  await fetch(`${cluster.pds[0]?.url}/pd/api/v1${path}`, { method: "POST", body: JSON.stringify(body) });
};
const Region = z.object({
  id: z.int(),
  leader: z.object({ store_id: z.int() }),
  peers: z.array(z.object({ store_id: z.int() })),
});
const Regions = z.object({ count: z.int(), regions: z.array(Region) });
const leaderOfPd = async () => (await read("/leader", z.object({ name: z.string() }))).name;
const schedulers = () => read("/schedulers", z.array(z.string()));
const evicted = async () => {
  if (!(await schedulers()).includes("evict-leader-scheduler")) return [];
  const list = z.object({ "store-id-ranges": z.record(z.string(), z.unknown()) });
  return Object.keys((await read("/scheduler-config/evict-leader-scheduler/list", list))["store-id-ranges"]);
};
const idOf = async (name: string) => String((await cluster.storeOf(name)).store.id);
const leadersOf = async (name: string) => (await cluster.storeOf(name)).status.leader_count;

test("a store is drained, and leads again when that is undone, which may come twice", async () => {
  const id = await idOf("tikv-1");
  expect(await leadersOf("tikv-1")).toBeGreaterThan(0);
  const { effect, undo } = await carryOut("drain_store", `store-${id}`, {});
  expect(effect).toMatch(/leads none, after \d+ ms/);
  expect(await leadersOf("tikv-1")).toBe(0);
  expect(await evicted()).toEqual([id]);
  await expect(carryOut("drain_store", `store-${await idOf("tikv-2")}`, {})).rejects.toMatchObject({
    code: "DRAIN_RUNNING",
  });
  await undo();
  expect(await evicted()).toEqual([]);
  await undo();
  await until("it leads again", async () => (await leadersOf("tikv-1")) > 0);
});

test("a store that was left drained is undrained; the undo drains it again", async () => {
  const id = await idOf("tikv-2");
  await carryOut("drain_store", `store-${id}`, {});
  const { effect, undo } = await carryOut("undrain_store", `store-${id}`, {});
  expect(effect).toContain(`evict-leader-scheduler-${id} is removed`);
  expect(await evicted()).toEqual([]);
  await undo();
  expect(await evicted()).toEqual([id]);
  await carryOut("undrain_store", `store-${id}`, {});
});

test("the eviction of all stores is removed, and given back to each of them", async () => {
  const ids = [await idOf("tikv-1"), await idOf("tikv-3")].sort();
  for (const store of ids) {
    await post("/schedulers", { name: "evict-leader-scheduler", store_id: Number(store) });
  }
  expect((await evicted()).sort()).toEqual(ids);
  const { undo } = await carryOut("remove_scheduler", "cluster", { name: "evict-leader-scheduler" });
  expect(await schedulers()).not.toContain("evict-leader-scheduler");
  await undo();
  expect((await evicted()).sort()).toEqual(ids);
  await carryOut("remove_scheduler", "cluster", { name: "evict-leader-scheduler" });
});

test("a region is led by another store, and again by the one before", async () => {
  // PD's own balancing would move it as well.
  await post("/config", { "leader-schedule-limit": 0 });
  await until("no operator runs", async () => (await read("/operators", z.array(z.string()))).length === 0);
  const { regions } = await read("/regions", Regions);
  const [region] = regions;
  const to = region?.peers.find(({ store_id }) => store_id !== region.leader.store_id)?.store_id;
  const leader = async () => (await read(`/region/id/${region?.id}`, Region)).leader.store_id;
  const from = await leader();
  const parameters = { regionId: String(region?.id), toStore: `store-${to}` };
  const { effect, undo } = await carryOut("transfer_leader", `region-${region?.id}`, parameters);
  expect(effect).toContain(`before it was store-${from}`);
  expect(await leader()).toBe(to);
  await undo();
  expect(await leader()).toBe(from);
  expect(await undo()).toBe(`store-${from} leads region-${region?.id} again`);
  await post("/config", { "leader-schedule-limit": 4 });
});

test("PD's refusals are its own words: a store without a replica, a region that isn't there", async () => {
  const { regions } = await read("/regions", Regions);
  const id = regions[0]?.id;
  const nowhere = { regionId: String(id), toStore: "store-999" };
  await expect(carryOut("transfer_leader", `region-${id}`, nowhere)).rejects.toMatchObject({
    code: "PD_REFUSED",
    message: expect.stringContaining("no voter in store 999"),
  });
  await expect(carryOut("split_region", "region-999999", {})).rejects.toMatchObject({
    code: "PD_REFUSED",
    message: expect.stringContaining("ErrRegionNotFound"),
  });
});

test("a region is split in two", async () => {
  const before = await read("/regions", Regions);
  const id = before.regions[0]?.id;
  expect((await carryOut("split_region", `region-${id}`, {})).effect).toContain("was split in two");
  await until("PD counts one more", async () => (await read("/regions", Regions)).count === before.count + 1);
});

test.each([
  ["set_leader_schedule_limit", "leader-schedule-limit", { limit: 8 }, 8],
  ["set_region_schedule_limit", "region-schedule-limit", { limit: 16 }, 16],
  ["set_replica_schedule_limit", "replica-schedule-limit", { limit: 32 }, 32],
  ["set_low_space_threshold", "low-space-ratio", { percent: 85 }, 0.85],
])("%s sets %s, and gives back what was there", async (name, key, parameters, value) => {
  const now = async () => (await read("/config/schedule", z.record(z.string(), z.unknown())))[key];
  const was = await now();
  const { undo } = await carryOut(name, "cluster", parameters);
  expect(await now()).toBe(value);
  await undo();
  expect(await now()).toBe(was);
});

test("PD's leader hands over", async () => {
  const first = await leaderOfPd();
  const other = cluster.pds.find(({ name }) => name !== first)?.name ?? "";
  await expect(carryOut("resign_pd_leader", other, {})).rejects.toMatchObject({ code: "NOT_THE_LEADER" });
  const { effect } = await carryOut("resign_pd_leader", first, {});
  const second = await leaderOfPd();
  expect(second).not.toBe(first);
  expect(effect).toContain(`${second} leads PD`);
});

test("every write of each action and undo that was done names the operator and its action, also in PD's audit log", () => {
  const log = cluster.pds.map(({ name }) => cluster.member(name).output).join("");
  for (const { name, undo } of actions) {
    for (const what of [name, ...(undo ? [`the undo of ${name}`] : [])]) {
      expect([...new Set(callers.get(what))], what).toEqual([`operator/${name}`]);
    }
    expect(log).toContain(`CallerID:operator/${name},`);
  }
});
