import { NotDone } from "@operator/subject/action";
import { expect, test } from "vitest";
import { api, carryOut, takeBack } from "./action-exchange.fixture.ts";
import { stateWith } from "./action-state.fixture.ts";
import { PdError } from "./pd-error.ts";
import { operatorAt, regionLedBy, type Script, v8, v9 } from "./pd-exchange.fixture.ts";

// Against what a real PD answered: what it's asked for, byte by byte, and what is made of its answers.

const operators = `POST ${api}/operators`;
const none = v9("op-get-none");
const toStore2 = { regionId: "5", toStore: "store-2" };
const firstOperator = (...after: Script[string]) => ({ [`GET ${api}/operators/5`]: [none, ...after] });

test("transfer_leader asks for an operator, and is done when that has succeeded", async () => {
  const done = await carryOut(
    {
      [`GET ${api}/region/id/5`]: [regionLedBy(5)],
      ...firstOperator(v8("get-op-region")),
      [operators]: [v8("write-op-transfer-leader")],
    },
    "transfer_leader",
    "region-5",
    toStore2,
  );
  expect(done.error).toBeUndefined();
  expect(done.effect).toMatch(/^store-2 leads region-5, after \d+ ms; before it was store-1$/);
  expect(done.kept).toEqual({ leader: "store-1" });
  expect(done.writes).toEqual([`${operators} ${v8("write-op-transfer-leader").requestBody}`]);
  expect(done.callers).toEqual(["operator/transfer_leader"]);
});

test("an id past 2^53 is sent with all of its digits", async () => {
  const id = "18446744073709551557";
  const state = stateWith(({ hot }) => void (hot["cluster"]!.write[0]!.region = `region-${id}`));
  const { writes } = await carryOut(
    {
      [`GET ${api}/region/id/${id}`]: [regionLedBy(5)],
      [`GET ${api}/operators/${id}`]: [none],
      [operators]: [v8("write-op-unknown-region")],
    },
    "transfer_leader",
    `region-${id}`,
    { regionId: id, toStore: `store-${id}` },
    { state },
  );
  expect(writes).toEqual([`${operators} {"name":"transfer-leader","region_id":${id},"to_store_id":${id}}`]);
});

test("an operator is followed while it runs, and one of before isn't taken for it", async () => {
  const [running, done, , splitRuns, splitDone] = [2, 3, 4, 5, 6].map(operatorAt);
  if (!running || !done || !splitRuns || !splitDone) throw new Error("not recorded");
  const region = `GET ${api}/region/id/22`;
  const state = stateWith(({ hot }) => void (hot["cluster"]!.write[0]!.region = "region-22"));
  const split = await carryOut(
    {
      // PD goes on showing the transfer that succeeded before, for a while after it has said that the split is created.
      [`GET ${api}/operators/22`]: [done, done, splitRuns, splitDone],
      [operators]: [v8("write-op-split")],
      [region]: [regionLedBy(5)],
    },
    "split_region",
    "region-22",
    {},
    { state },
  );
  expect(split.error).toBeUndefined();
  expect(split.effect).toMatch(/^region-22 was split in two, after \d+ ms$/);
  expect(split.writes).toEqual([`${operators} {"name":"split-region","region_id":22,"policy":"approximate"}`]);

  const transfer = await carryOut(
    {
      // Who is followed is followed on when nobody could say just then.
      [`GET ${api}/operators/22`]: [none, running, "break", done],
      [operators]: [v8("write-op-transfer-leader")],
      [region]: [regionLedBy(5)],
    },
    "transfer_leader",
    "region-22",
    { regionId: "22", toStore: "store-2" },
    { state },
  );
  expect(transfer.effect).toContain("store-2 leads region-22");
});

test.each<[string, Script[string][number], string, RegExp]>([
  ["knows no such region", v8("write-op-unknown-region"), "PD_REFUSED", /ErrRegionNotFound.*999999/],
  ["has an operator on it already", v9("op-transfer-leader-again"), "PD_REFUSED", /maybe already have one/],
  ["finds no replica there", v9("op-transfer-leader-bad-store"), "PD_REFUSED", /no voter in store 4/],
])("a transfer that PD refuses as it %s is certain to have done nothing", async (_, answer, code, words) => {
  const { error } = await carryOut(
    {
      [`GET ${api}/region/id/5`]: [regionLedBy(5)],
      // The operator of before is still to be seen, and had succeeded.
      [`GET ${api}/operators/5`]: [v8("get-op-region")],
      [operators]: [answer],
    },
    "transfer_leader",
    "region-5",
    toStore2,
  );
  expect(error).toBeInstanceOf(NotDone);
  expect(error).toMatchObject({ code, message: expect.stringMatching(words) });
});

const ended = (status: string) => {
  const operator = v8("get-op-region");
  return { ...operator, body: operator.body.replace("SUCCESS", status) };
};
const endingAs = (status: string, ...led: Script[string]) => ({
  [`GET ${api}/region/id/5`]: led,
  ...firstOperator(ended(status)),
  [operators]: [v8("write-op-transfer-leader")],
});

// What PD gave up a store may do all the same.
test.each([
  ["TIMEOUT", "may be done still", false],
  ["CANCEL", "did nothing", true],
  ["EXPIRED", "did nothing", true],
  ["REPLACED", "did nothing", true],
])("a transfer that PD ends as %s %s, unless the region has gone there all the same", async (status, _, isCertain) => {
  const failed = await carryOut(endingAs(status, regionLedBy(5)), "transfer_leader", "region-5", toStore2);
  expect(failed.error instanceof NotDone).toBe(isCertain);
  expect(failed.error).toMatchObject({ message: expect.stringContaining(`to store-2 as ${status}`) });
  if (isCertain) expect(failed.error).toMatchObject({ code: "PD_OPERATOR_ENDED" });
  const gone = endingAs(status, regionLedBy(5), regionLedBy(5, 2));
  const moved = await carryOut(gone, "transfer_leader", "region-5", toStore2);
  expect(moved.effect).toContain("store-2 leads region-5");
});

test.each([
  ["TIMEOUT", "may be done still", false],
  ["CANCEL", "did nothing", true],
])("a split that PD ends as %s %s", async (status, _, isCertain) => {
  const split = v9("op-split-get");
  const body = split.body.replace("RUNNING", status);
  const script = { ...firstOperator({ ...split, body }), [operators]: [v8("write-op-split")] };
  const { error } = await carryOut(script, "split_region", "region-5", {});
  expect(error instanceof NotDone).toBe(isCertain);
  expect(error).toMatchObject({ message: expect.stringContaining(`split of region-5 as ${status}`) });
});

test("a region that is led by the store by now isn't moved", async () => {
  const script = { [`GET ${api}/region/id/5`]: [regionLedBy(5, 2)] };
  const { error, writes } = await carryOut(script, "transfer_leader", "region-5", toStore2);
  expect(error).toMatchObject({ code: "LEADS_ALREADY" });
  expect(writes).toEqual([]);
});

test("an operator whose acknowledgement is lost is found by looking, and what isn't found isn't said to be undone", async () => {
  const script = { [`GET ${api}/region/id/5`]: [regionLedBy(5)], [operators]: ["break" as const] };
  const found = await carryOut(
    { ...script, ...firstOperator(v8("get-op-region")) },
    "transfer_leader",
    "region-5",
    toStore2,
  );
  expect(found.effect).toContain("store-2 leads region-5");
  const lost = await carryOut({ ...script, ...firstOperator(none) }, "transfer_leader", "region-5", toStore2);
  expect(lost.error).toBeInstanceOf(PdError);
  expect(lost.error).not.toBeInstanceOf(NotDone);
});

test("a transfer of before, which had succeeded, isn't taken for one that PD ends otherwise", async () => {
  const old = v8("get-op-region");
  const later = old.body.replaceAll("06:29:48", "06:31:02").replace("SUCCESS", "CANCEL");
  const script = {
    [`GET ${api}/region/id/5`]: [regionLedBy(5)],
    [`GET ${api}/operators/5`]: [old, old, { ...old, body: later }],
    [operators]: [v8("write-op-transfer-leader")],
  };
  const { error } = await carryOut(script, "transfer_leader", "region-5", toStore2);
  expect(error).toMatchObject({ code: "PD_OPERATOR_ENDED", message: expect.stringContaining("as CANCEL") });
});

test("transfer_leader is undone by moving the lead back, once", async () => {
  const script = {
    [`GET ${api}/region/id/5`]: [regionLedBy(5, 2)],
    ...firstOperator(v8("get-op-region")),
    [operators]: [v8("write-op-transfer-leader")],
  };
  const undone = await takeBack(script, "transfer_leader", "region-5", toStore2, { leader: "store-1" });
  expect(undone.text).toBe("store-1 leads region-5 again");
  expect(undone.writes).toEqual([`${operators} {"name":"transfer-leader","region_id":5,"to_store_id":1}`]);
  const again = { [`GET ${api}/region/id/5`]: [regionLedBy(5)] };
  const twice = await takeBack(again, "transfer_leader", "region-5", toStore2, { leader: "store-1" });
  expect(twice.writes).toEqual([]);
});
