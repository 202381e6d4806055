import type { Fault, Member } from "@operator/subject/fault";
import { expect, test } from "vitest";
import { faults, scenarios, story } from "./faults.ts";
import { invariants } from "./invariants.ts";
import { playPd, scheduleOf, type Script, v8, v9 } from "./pd-exchange.fixture.ts";

// Faults by PD's API against what a real PD answered. On a whole cluster: faults-simulator.test.ts.

const member = (target: string, kind: string, state: Member["state"] = "running"): Member => ({ target, kind, state });
const all = (...out: string[]) => [
  ...["pd-1", "pd-2", "pd-3"].map((one) => member(one, "pd", out.includes(one) ? "stopped" : "running")),
  ...["tikv-1", "tikv-2", "tikv-3"].map((one) => member(one, "store", out.includes(one) ? "paused" : "running")),
  member("prometheus", "prometheus"),
];
/** In containers, of which two have lost their way to PD. */
const inNetworks = (members: Member[]) =>
  members.map((one) => ({ ...one, networks: { connected: one.target === "tikv-3" ? ["pd"] : [], cut: [] } }));

function named(name: string): Fault {
  const fault = faults.find((one) => one.name === name);
  if (!fault) throw new Error(`no fault is named ${name}`);
  return fault;
}

function byApi(name: string): Extract<Fault, { by: "api" }> {
  const fault = named(name);
  if (fault.by !== "api") throw new Error(`${name} is the supervisor's`);
  return fault;
}

test("every fault is about members that the supervisor lists, the cluster that they are, or who of them has a role", () => {
  for (const { targets } of faults) expect(targets([member("prometheus", "prometheus")])).toEqual([]);
  const stores = ["tikv-1", "tikv-2", "tikv-3"];
  const pds = ["pd-1", "pd-2", "pd-3"];
  expect(Object.fromEntries(faults.map(({ name, targets }) => [name, targets(inNetworks(all()))]))).toEqual({
    kill_store: stores,
    pause_store: stores,
    cut_pd: ["tikv-3"],
    kill_pd: pds,
    pause_pd: pds,
    kill_pd_leader: ["pd-leader"],
    pause_pd_leader: ["pd-leader"],
    cut_store_from_pd: stores,
    fill_disk: stores,
    slow_store: stores,
    hot_region: ["busiest-region"],
    leader_limit_zero: ["cluster"],
    leave_evict_leader: stores,
  });
});

test.each([
  ["kill_store", "tikv-1", all(), undefined],
  ["kill_store", "tikv-1", all("tikv-1"), undefined],
  ["kill_store", "tikv-1", all("tikv-2"), /tikv-2 is out already/],
  ["pause_store", "tikv-3", all("tikv-1", "tikv-2"), /tikv-1, tikv-2 is out/],
  ["cut_store_from_pd", "tikv-1", all("tikv-2"), /tikv-2 is out already/],
  ["kill_store", "tikv-1", all("pd-1", "pd-2"), undefined],
  ["kill_pd", "pd-1", all(), undefined],
  ["kill_pd", "pd-1", all("pd-3"), /1 of 3 PD members would be left: 2 are its quorum/],
  ["pause_pd_leader", "pd-2", all("pd-3"), /1 of 3/],
  ["kill_pd", "pd-1", [...all("pd-3"), member("pd-4", "pd"), member("pd-5", "pd")], undefined],
  ["kill_pd", "pd-1", [member("pd-1", "pd")], /0 of 1/],
  ["fill_disk", "tikv-1", all("tikv-2"), undefined],
])("whether %s of %s breaks the quorum", (name, target, members, why) => {
  const said = named(name).breaks(target, members);
  if (why === undefined) expect(said).toBeUndefined();
  else expect(said).toMatch(why);
});

test("the scenarios and the story are made of faults that there are, and what breaks the quorum is forced", () => {
  const known = [...faults, ...scenarios].map(({ name }) => name);
  expect(known).toEqual([...new Set(known)]);
  for (const name of story) expect(known).toContain(name);
  for (const { faults: parts } of scenarios) for (const { fault } of parts) expect(known).toContain(fault);
});

const inTime = () => AbortSignal.timeout(5_000);
const api = "/pd/api/v1";
const leader = { [`GET ${api}/leader`]: [v8("leader")] };
const pd2 = [member("pd2", "pd"), member("pd3", "pd")];

test("who leads PD is asked when the fault is made, and has to be a member", async () => {
  await using pd = await playPd(leader);
  const { resolve } = named("kill_pd_leader");
  expect(await resolve?.("pd-leader", pd2, pd, inTime())).toEqual({ target: "pd2" });
  await expect(resolve?.("pd-leader", all(), pd, inTime())).rejects.toMatchObject({
    code: "LEADER_NOT_A_MEMBER",
    message: expect.stringContaining('"pd2" leads, and the supervisor has only pd-1, pd-2, pd-3'),
  });
});

const stores = { [`GET ${api}/stores`]: [v8("get-stores-evicting")] };

test("a store is killed under its member's name; what the loop calls it is known when PD can be asked", async () => {
  await using pd = await playPd(stores);
  const members = { TIKV_MEMBERS: "tikv-1=127.0.0.1:20160,tikv-2=127.0.0.1:9" };
  const environment = { ...pd.environment, ...members };
  const who = (target: string, given: Record<string, string>) =>
    named("kill_store").resolve?.(target, all(), { environment: given }, inTime());
  expect(await who("tikv-1", environment)).toEqual({ target: "tikv-1", observedAs: "store-7" });
  expect(await who("tikv-2", environment)).toEqual({ target: "tikv-2" });
  expect(await who("tikv-1", { ...members, TIKV_PD_ENDPOINTS: "http://127.0.0.1:1" })).toEqual({ target: "tikv-1" });
  // Unless it's set, a member is the host of a store's address, as in containers.
  const body = v8("get-stores-evicting").body.replace('"address": "127.0.0.1:20161"', '"address": "tikv-3:20160"');
  await using hosts = await playPd({ [`GET ${api}/stores`]: [{ ...v8("get-stores-evicting"), body }] });
  expect(await who("tikv-3", hosts.environment)).toEqual({ target: "tikv-3", observedAs: "store-2" });
});

test("a fault that has to reach the store is refused when PD doesn't list it, and on a cluster that is no simulator", async () => {
  await using pd = await playPd({ ...stores });
  const fault = named("fill_disk");
  const resolve = (members: string) =>
    fault.resolve?.("tikv-1", all(), { environment: { ...pd.environment, TIKV_MEMBERS: members } }, inTime());
  await expect(resolve("tikv-1=127.0.0.1:9")).rejects.toMatchObject({ code: "STORE_NOT_FOUND" });
  // A real TiKV's status port knows no such path.
  const port = new URL(pd.environment["TIKV_PD_ENDPOINTS"] ?? "").port;
  const body = v8("get-stores-evicting").body.replace("127.0.0.1:20180", `127.0.0.1:${port}`);
  await using real = await playPd({ [`GET ${api}/stores`]: [{ ...v8("get-stores-evicting"), body }] });
  const environment = { ...real.environment, TIKV_MEMBERS: "tikv-1=127.0.0.1:20160" };
  await expect(fault.resolve?.("tikv-1", all(), { environment }, inTime())).rejects.toMatchObject({
    code: "SIMULATOR_ONLY",
    message: expect.stringContaining("/simulator answered 404"),
  });
  await expect(named("hot_region").resolve?.("busiest-region", all(), pd, inTime())).rejects.toMatchObject({
    code: "SIMULATOR_ONLY",
    message: expect.stringContaining("TIKV_WORKLOAD_URL"),
  });
});

const schedule = `GET ${api}/config/schedule`;
const config = `POST ${api}/config`;

/** As chaos does it, with the journal's `undo`. */
async function run(script: Script, name: string, step: "inject" | "revert" | "proof", target: string, undo: never) {
  await using pd = await playPd(script);
  const hands = { environment: { ...pd.environment, TIKV_MEMBERS: "tikv-1=127.0.0.1:20161" } };
  const fault = byApi(name);
  const given = { target, parameters: fault.parameters.parse({}), ttlMs: 60_000, undo };
  const said = await fault[step]?.(given, hands, inTime());
  return { said, writes: pd.writes(), callers: pd.callers() };
}

// What the journal has is JSON of any kind.
// oxlint-disable-next-line typescript/no-unsafe-type-assertion
const journalled = (value: unknown) => value as never;
const nothing = journalled(null);

test("leader_limit_zero: what stood there is known first, and given back unless somebody set it meanwhile", async () => {
  const name = "leader_limit_zero";
  const [four, zero] = [scheduleOf(4), scheduleOf(0)];
  const { resolve } = named(name);
  {
    await using pd = await playPd({ [schedule]: [four, zero] });
    expect(await resolve?.("cluster", all(), pd, inTime())).toEqual({ target: "cluster", undo: { limit: 4 } });
    await expect(resolve?.("cluster", all(), pd, inTime())).rejects.toMatchObject({ code: "LIMIT_IS_ZERO" });
  }
  const done = v8("write-config");
  expect((await run({ [schedule]: [four] }, name, "proof", "cluster", nothing)).said).toBeUndefined();
  const made = await run({ [schedule]: [zero], [config]: [done] }, name, "inject", "cluster", nothing);
  expect(made.writes).toEqual([`${config} {"leader-schedule-limit":0}`]);
  // Diagnoses read PD's audit log: nobody is to be seen there who breaks things on purpose.
  expect(made.callers).toEqual(["anonymous"]);
  expect((await run({ [schedule]: [zero] }, name, "proof", "cluster", nothing)).said).toContain("is 0");
  const undo = journalled({ limit: 4 });
  const back = await run({ [schedule]: [zero, four], [config]: [done] }, name, "revert", "cluster", undo);
  expect(back.writes).toEqual([`${config} {"leader-schedule-limit":4}`]);
  expect((await run({ [schedule]: [scheduleOf(3)] }, name, "revert", "cluster", undo)).writes).toEqual([]);
});

const list = `GET ${api}/schedulers`;
const evictList = `GET ${api}/scheduler-config/evict-leader-scheduler/list`;
const add = `POST ${api}/schedulers`;
const remove = `DELETE ${api}/schedulers/evict-leader-scheduler-2`;
const evicted = { [list]: [v8("get-schedulers-after")], [evictList]: [v8("get-scheduler-config-evict")] };
const free = { [list]: [v8("schedulers")] };

test("leave_evict_leader: the store's own part of the scheduler is added, and taken away again", async () => {
  const name = "leave_evict_leader";
  const who = async (script: Script) => {
    await using pd = await playPd({ ...stores, ...script });
    const environment = { ...pd.environment, TIKV_MEMBERS: "tikv-1=127.0.0.1:20161" };
    return await named(name).resolve?.("tikv-1", all(), { environment }, inTime());
  };
  expect(await who(free)).toEqual({ target: "tikv-1", observedAs: "store-2", undo: { store: "2" } });
  await expect(who(evicted)).rejects.toMatchObject({ code: "EVICTED_ALREADY" });
  expect((await run({ ...stores, ...free }, name, "proof", "tikv-1", nothing)).said).toBeUndefined();
  const made = await run({ ...stores, [add]: [v8("write-sched-evict")] }, name, "inject", "tikv-1", nothing);
  expect(made).toMatchObject({ said: { undo: { store: "2" } }, callers: ["anonymous"] });
  expect(made.writes).toEqual([`${add} ${v8("write-sched-evict").requestBody}`]);
  expect((await run({ ...stores, ...evicted }, name, "proof", "tikv-1", nothing)).said).toContain("holds store 2");
  const undo = journalled({ store: "2" });
  const gone = { ...free, [remove]: [v9("sch-del-none")] };
  for (const script of [{ ...free, [remove]: [v8("write-sched-evict-delete")] }, gone]) {
    expect((await run(script, name, "revert", "tikv-1", undo)).writes).toEqual([remove]);
  }
});

test("what a remedy leaves behind is told by an invariant of this room", () => {
  const left = faults.flatMap(({ leaves }) => leaves ?? []);
  expect(left).toEqual(["forgotten_evict_leader"]);
  expect(invariants.map(({ name }) => name)).toEqual(expect.arrayContaining(left));
});
