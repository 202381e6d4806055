import type { Fault, Member } from "@operator/subject/fault";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { z } from "zod";
import { faults } from "./faults.ts";
import { ask, type ClusterFixture, startCluster } from "./simulator/src/cluster.fixture.ts";
import { until } from "./simulator/src/until.fixture.ts";

// Faults by API on a whole cluster of simulated members: who the target is, made, proved, taken back. Those by the supervisor
// are chaos' to test.

let cluster: ClusterFixture;
let environment: Record<string, string>;
const members: Member[] = [
  ...["pd-1", "pd-2", "pd-3"].map((target) => ({ target, kind: "pd", state: "running" as const })),
  ...["tikv-1", "tikv-2", "tikv-3"].map((target) => ({ target, kind: "store", state: "running" as const })),
];

beforeAll(async () => {
  cluster = await startCluster({ withWorkload: true });
  await cluster.startAll();
  environment = {
    TIKV_PD_ENDPOINTS: cluster.pds.map(({ name, url }) => `${name}=${url}`).join(","),
    TIKV_MEMBERS: cluster.tikvs.map(({ name, address }) => `${name}=${address}`).join(","),
    TIKV_WORKLOAD_URL: cluster.workloadUrl,
  };
});
afterAll(async () => await cluster[Symbol.asyncDispose]());

function named(name: string): Fault {
  const fault = faults.find((one) => one.name === name);
  if (!fault) throw new Error(`no fault is named ${name}`);
  return fault;
}

/** As chaos does it: looked up, made, and taken back by somebody who has the journal alone. */
async function made(name: string, asked: string, ttlMs = 60_000) {
  const fault = named(name);
  if (fault.by !== "api" || !fault.resolve) throw new Error(`${name} isn't by API`);
  const hands = { environment };
  const inTime = () => AbortSignal.timeout(5_000);
  const who = await fault.resolve(asked, members, hands, inTime());
  const given = { target: who.target, parameters: fault.parameters.parse({}) };
  return {
    who,
    inject: () => fault.inject({ ...given, ttlMs }, hands, inTime()),
    proof: () => fault.proof(given, hands, inTime()),
    revert: (undo = who.undo ?? null) => fault.revert?.({ ...given, undo }, hands, inTime()),
  };
}

const storeOf = async (member: string) => `store-${(await cluster.storeOf(member)).store.id}`;
const Shown = z.looseObject({});
const shownBy = async (member: string) => {
  const { status } = cluster.tikvs.find(({ name }) => name === member) ?? {};
  return Shown.parse((await ask("GET", `http://${status}/simulator`)).body);
};
const read = async <Schema extends z.ZodType>(path: string, schema: Schema): Promise<z.infer<Schema>> =>
  schema.parse((await cluster.pd(path)).body);

beforeEach(async () => {
  await until("PD has a leader", async () => (await cluster.pd("/leader")).status === 200);
});

test.each([
  ["fill_disk", "disk", { usedPercent: 95 }],
  ["slow_store", "slow", { score: 60, latencyMs: 400 }],
  ["cut_store_from_pd", "pd-link", { cut: true }],
])("%s: the store says that its %s is so, until that is taken back, which may come twice", async (name, path, body) => {
  const fault = await made(name, "tikv-1");
  expect(fault.who).toMatchObject({ target: "tikv-1", observedAs: await storeOf("tikv-1") });
  expect(await fault.proof()).toBeUndefined();
  await fault.inject();
  expect(await fault.proof()).toContain(`tikv-1 says of its ${path}`);
  expect((await shownBy("tikv-1"))[path]).toMatchObject(body);
  expect((await shownBy("tikv-2"))[path]).toBeUndefined();
  await fault.revert();
  expect(await fault.proof()).toBeUndefined();
  // Whoever has lost what was journalled finds the store by PD.
  await fault.revert(null);
});

test("what nobody takes back ends by itself", async () => {
  const fault = await made("fill_disk", "tikv-2", 300);
  await fault.inject();
  await until("the disk is as it was", async () => (await fault.proof()) === undefined);
});

test("the busiest region is heated, and the workload says which it is", async () => {
  const fault = await made("hot_region", "busiest-region");
  expect(fault.who.target).toMatch(/^region-\d+$/);
  expect(await fault.proof()).toBeUndefined();
  await fault.inject();
  expect(await fault.proof()).toBe(`the workload says that it heats ${fault.who.target}`);
  const Workload = z.object({ hot: z.object({ regionId: z.string(), putsPerS: z.literal(4_000) }) });
  const { hot } = Workload.parse((await ask("GET", `${cluster.workloadUrl}/workload`)).body);
  expect(`region-${hot.regionId}`).toBe(fault.who.target);
  await fault.revert();
  expect(await fault.proof()).toBeUndefined();
  await fault.revert();
});

test("an eviction that is left behind empties the store, and is taken away again", async () => {
  const fault = await made("leave_evict_leader", "tikv-3");
  const { id } = (await cluster.storeOf("tikv-3")).store;
  expect(fault.who).toEqual({ target: "tikv-3", observedAs: `store-${id}`, undo: { store: String(id) } });
  await fault.inject();
  expect(await fault.proof()).toContain(`holds store ${id}`);
  await until("it leads nothing", async () => (await cluster.storeOf("tikv-3")).status.leader_count === 0);
  await expect(made("leave_evict_leader", "tikv-3")).rejects.toMatchObject({ code: "EVICTED_ALREADY" });
  await fault.revert();
  expect(await fault.proof()).toBeUndefined();
  await fault.revert();
});

test("with a limit of 0 PD moves no leader: an eviction does nothing then, until the limit is given back", async () => {
  const limit = async () =>
    (await read("/config/schedule", z.looseObject({ "leader-schedule-limit": z.int() })))["leader-schedule-limit"];
  const was = await limit();
  const fault = await made("leader_limit_zero", "cluster");
  expect(fault.who).toEqual({ target: "cluster", undo: { limit: was } });
  await fault.inject();
  expect(await fault.proof()).toBe("PD says that leader-schedule-limit is 0");
  const eviction = await made("leave_evict_leader", "tikv-1");
  await eviction.inject();
  await expect(made("leader_limit_zero", "cluster")).rejects.toMatchObject({ code: "LIMIT_IS_ZERO" });
  expect((await cluster.storeOf("tikv-1")).status.leader_count).toBeGreaterThan(0);
  await fault.revert();
  expect(await limit()).toBe(was);
  await until("the eviction takes effect", async () => (await cluster.storeOf("tikv-1")).status.leader_count === 0);
  await eviction.revert();
});

test("PD's leader is whoever leads; and while PD can't say, a store is killed under its member's name alone", async () => {
  const signal = () => AbortSignal.timeout(5_000);
  const { name } = await read("/leader", z.object({ name: z.string() }));
  const { resolve } = named("kill_pd_leader");
  expect(await resolve?.("pd-leader", members, { environment }, signal())).toEqual({ target: name });
  const kill = () => named("kill_store").resolve?.("tikv-2", members, { environment }, signal());
  expect(await kill()).toEqual({ target: "tikv-2", observedAs: await storeOf("tikv-2") });
  await cluster.member(name).kill();
  expect(await kill()).toEqual({ target: "tikv-2" });
  await expect(resolve?.("pd-leader", members, { environment }, signal())).rejects.toThrow(/leader/);
  cluster.start(name);
});
