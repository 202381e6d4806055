import { NotDone } from "@operator/subject/action";
import { expect, test } from "vitest";
import { api, carryOut, ledBy, takeBack } from "./action-exchange.fixture.ts";
import { stateWith } from "./action-state.fixture.ts";
import { type Script, storeLeading, v8, v9 } from "./pd-exchange.fixture.ts";

// Against what a real PD answered: what it's asked for, byte by byte, and what is made of its answers.

const list = `GET ${api}/schedulers`;
const evictList = `GET ${api}/scheduler-config/evict-leader-scheduler/list`;
const leader = `GET ${api}/leader`;
const add = `POST ${api}/schedulers`;
const evicting = { [list]: [v8("get-schedulers-after")], [evictList]: [v9("sch-evict-conf")] };
const evict1 = `${add} ${v9("sch-add-evict").requestBody}`;

test("drain_store adds the scheduler, and is done when the store leads nothing", async () => {
  const done = await carryOut(
    {
      [list]: [v8("schedulers")],
      [add]: [v8("write-sched-evict")],
      [`GET ${api}/store/1`]: [storeLeading(5), storeLeading(3), "break", storeLeading(0)],
      [leader]: [ledBy("pd-2")],
    },
    "drain_store",
    "store-1",
    {},
  );
  expect(done.effect).toMatch(/^store-1 led 5 regions and leads none, after \d+ ms$/);
  expect(done.writes).toEqual([evict1]);
  expect(done.reads.filter((path) => path === `${api}/store/1`)).toHaveLength(4);
  expect(done.callers).toEqual(["operator/drain_store"]);
});

test.each<[string, Script[string], number, RegExp]>([
  ["whose leader changed meanwhile", [ledBy("pd-2"), ledBy("pd-3")], 90_000, /^store-1 led 5 regions; after \d+ ms pd-3 leads PD/],
  ["whose leader changed before it began", [ledBy("pd-3")], 90_000, /^store-1 led 5 regions; after \d+ ms pd-3 leads PD/],
  ["that has a leader for less than a minute", [ledBy("pd-2")], 59_000, /knows of none that it leads still, but pd-2 leads PD only lately/],
  ["of which nobody can say for a while who leads it", [ledBy("pd-2"), "break", ledBy("pd-2")], 90_000, /and leads none, after [1-9]\d{3} ms$/],
])("a drain isn't said to be done by a PD %s", async (_, led, forMs, words) => {
  const script = {
    [list]: [v8("schedulers")],
    [add]: [v8("write-sched-evict")],
    [`GET ${api}/store/1`]: [storeLeading(5), storeLeading(3), storeLeading(0)],
    [leader]: led,
  };
  const state = stateWith(({ members }) => void (members["cluster"]!.leaderSinceMs = Date.now() - forMs));
  expect((await carryOut(script, "drain_store", "store-1", {}, { state })).effect).toMatch(words);
}); // prettier-ignore

test("a drain that another one came before isn't begun, so that its undo takes back nobody else's", async () => {
  const { error, writes } = await carryOut(evicting, "drain_store", "store-2", {});
  expect(error).toMatchObject({ code: "DRAIN_RUNNING" });
  expect(writes).toEqual([]);
});

/** v8.5.5, where somebody else holds the store. */
const paused = {
  ...v9("sch-evict-badstore"),
  status: 500,
  body: '"[PD:core:ErrPauseLeaderTransfer]store 1 is paused for leader transfer"',
};

test("a store that somebody else holds isn't drained, unless it's held for this very drain", async () => {
  const store = { [`GET ${api}/store/1`]: [storeLeading(5), storeLeading(0)], [leader]: [ledBy("pd-2")] };
  const other = { [list]: [v8("schedulers")], [add]: [paused], ...store };
  const { error } = await carryOut(other, "drain_store", "store-1", {});
  expect(error).toBeInstanceOf(NotDone);
  expect(error).toMatchObject({ code: "PD_REFUSED", message: expect.stringContaining("ErrPauseLeaderTransfer") });
  const ours = { ...evicting, [list]: [v8("schedulers"), v8("get-schedulers-after")], [add]: [paused], ...store };
  expect((await carryOut(ours, "drain_store", "store-1", {})).effect).toContain("leads none");
});

test("a store that PD doesn't know isn't drained", async () => {
  const unknown = {
    [list]: [v8("schedulers")],
    [add]: [v9("sch-evict-badstore")],
    [`GET ${api}/store/1`]: [storeLeading(5)],
  };
  const { error } = await carryOut(unknown, "drain_store", "store-1", {});
  expect(error).toMatchObject({ code: "PD_REFUSED", message: expect.stringContaining("store 777 not found") });
});

const remove1 = `DELETE ${api}/schedulers/evict-leader-scheduler-1`;

test("undrain_store removes the store's part, and its undo adds it again; the undo of a drain is the same removal", async () => {
  const script = {
    [list]: [v8("get-schedulers-after"), v8("schedulers")],
    [evictList]: [v9("sch-evict-conf")],
    [remove1]: [v8("write-sched-evict-delete")],
  };
  const done = await carryOut(script, "undrain_store", "store-1", {});
  expect(done).toMatchObject({ writes: [remove1], callers: ["operator/undrain_store"] });
  const back = await takeBack({ [add]: [v8("write-sched-evict-again")] }, "undrain_store", "store-1", {}, undefined);
  expect(back.writes).toEqual([evict1]);
  const undrained = { [list]: [v8("schedulers")], [remove1]: [v8("write-sched-evict-delete")] };
  expect((await takeBack(undrained, "drain_store", "store-1", {}, undefined)).writes).toEqual([remove1]);
});

test("what isn't drained any more isn't undrained", async () => {
  const { error, writes } = await carryOut({ [list]: [v8("schedulers")] }, "undrain_store", "store-1", {});
  expect(error).toMatchObject({ code: "NOT_DRAINED" });
  expect(writes).toEqual([]);
});

test.each<[string, Script[string][number], Script[string][number], boolean]>([
  ["a connection that breaks", "break", v8("schedulers"), true],
  ["a scheduler that isn't there", v9("sch-del-none"), v8("schedulers"), true],
  ["a connection that breaks before anything was done", "break", v8("get-schedulers-after"), false],
  ["an answer of done that isn't so", v8("write-sched-evict-delete"), v8("get-schedulers-after"), false],
])("after %s PD is read again", async (_, answer, after, isDone) => {
  const script = {
    [list]: [v8("get-schedulers-after"), after],
    [evictList]: [v9("sch-evict-conf")],
    [remove1]: [answer],
  };
  const { effect, error } = await carryOut(script, "undrain_store", "store-1", {});
  expect(effect !== undefined).toBe(isDone);
  expect(error instanceof NotDone).toBe(false);
});

// What PD says to these wasn't recorded; it's as for the eviction here.
test.each([
  ["grant-leader-scheduler", ["2"], '"store_id":2', " for store 2"],
  ["shuffle-leader-scheduler", [], "", ""],
  ["shuffle-region-scheduler", [], "", ""],
])("%s is removed, and given back as it was", async (name, stores, store, words) => {
  const having = { ...v8("schedulers"), body: JSON.stringify(["balance-leader-scheduler", name]) };
  const remove = `DELETE ${api}/schedulers/${name}`;
  const script = {
    // Before its stores are asked for too, if it holds some.
    [list]: [having, ...stores.map(() => having), v8("schedulers")],
    [`GET ${api}/scheduler-config/${name}/list`]: [v8("get-scheduler-config-evict")],
    [remove]: [v9("sch-del-evict-all")],
  };
  const done = await carryOut(script, "remove_scheduler", "cluster", { name });
  expect(done).toMatchObject({ kept: { stores }, writes: [remove] });
  const back = await takeBack({ [add]: [v8("write-sched-evict")] }, "remove_scheduler", "cluster", { name }, done.kept);
  expect(back.writes).toEqual([`${add} {"name":"${name}"${store === "" ? "" : `,${store}`}}`]);
  expect(back.text).toBe(`PD has ${name} again${words}`);
});

test("an eviction that held no store is removed, and its undo says that there's nothing to give back", async () => {
  const all = `DELETE ${api}/schedulers/evict-leader-scheduler`;
  const none = { ...v9("sch-evict-conf"), body: '{"store-id-ranges":{},"batch":3}' };
  const having = v8("get-schedulers-after");
  const script = { [list]: [having, having, v8("schedulers")], [evictList]: [none], [all]: [v9("sch-del-evict-all")] };
  const name = { name: "evict-leader-scheduler" };
  const done = await carryOut(script, "remove_scheduler", "cluster", name);
  expect(done).toMatchObject({ effect: "evict-leader-scheduler is removed", kept: { stores: [] } });
  const back = await takeBack({}, "remove_scheduler", "cluster", name, done.kept);
  expect(back).toMatchObject({
    text: "evict-leader-scheduler held no store: there is nothing to give back",
    writes: [],
  });
});

test("remove_scheduler removes it from every store, and gives it back to each of them", async () => {
  const all = `DELETE ${api}/schedulers/evict-leader-scheduler`;
  const script = {
    [list]: [v8("get-schedulers-after"), v8("get-schedulers-after"), v8("schedulers")],
    [evictList]: [v8("get-scheduler-config-evict")],
    [all]: [v9("sch-del-evict-all")],
  };
  const name = { name: "evict-leader-scheduler" };
  const done = await carryOut(script, "remove_scheduler", "cluster", name);
  expect(done).toMatchObject({ kept: { stores: ["2"] }, writes: [all], callers: ["operator/remove_scheduler"] });
  const back = await takeBack({ [add]: [v8("write-sched-evict")] }, "remove_scheduler", "cluster", name, {
    stores: ["2", "7"],
  });
  expect(back.writes).toEqual([
    `${add} ${v8("write-sched-evict").requestBody}`,
    `${add} {"name":"evict-leader-scheduler","store_id":7}`,
  ]);
});
