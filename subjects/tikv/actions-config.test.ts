import { NotDone } from "@operator/subject/action";
import { expect, test } from "vitest";
import { api, carryOut, takeBack } from "./action-exchange.fixture.ts";
import { regionLedBy, scheduleOf, type Script, v8, v9 } from "./pd-exchange.fixture.ts";

// Against what a real PD answered: what it's asked for, byte by byte, and what is made of its answers.

const schedule = `GET ${api}/config/schedule`;
const config = `POST ${api}/config`;

test("a limit is written by /config, read back, and the old one is kept for the undo", async () => {
  const set = { [schedule]: [v8("config_schedule"), v8("get-config-schedule-after")], [config]: [v8("write-config")] };
  const done = await carryOut(set, "set_leader_schedule_limit", "cluster", { limit: 3 });
  expect(done).toMatchObject({ effect: "leader-schedule-limit is 3; it was 4", kept: { limit: 4 } });
  expect(done.writes).toEqual([`${config} ${v8("write-config").requestBody}`]);
  expect(done.callers).toEqual(["operator/set_leader_schedule_limit"]);
  const back = { [schedule]: [v8("config_schedule")], [config]: [v8("write-config-back")] };
  const undone = await takeBack(back, "set_leader_schedule_limit", "cluster", { limit: 3 }, { limit: 4 });
  expect(undone).toMatchObject({
    text: "leader-schedule-limit is 4 again",
    callers: ["operator/set_leader_schedule_limit"],
  });
  expect(undone.writes).toEqual([`${config} ${v8("write-config-back").requestBody}`]);
});

test("a limit that is accepted, and can't be read back, is given back by what was kept before it", async () => {
  const lost: Script = { [schedule]: [v8("config_schedule"), "break"], [config]: [v8("write-config")] };
  const { error, kept } = await carryOut(lost, "set_leader_schedule_limit", "cluster", { limit: 3 });
  expect(error).not.toBeInstanceOf(NotDone);
  const back = { [schedule]: [v8("config_schedule")], [config]: [v8("write-config-back")] };
  const { writes } = await takeBack(back, "set_leader_schedule_limit", "cluster", { limit: 3 }, kept);
  expect(writes).toEqual([`${config} ${v8("write-config-back").requestBody}`]);
});

const one = { limit: 1 };
test.each<[string, Script, object, string?]>([
  ["set_leader_schedule_limit", { [schedule]: [v8("config_schedule")] }, one],
  ["set_region_schedule_limit", { [schedule]: [v8("config_schedule")] }, one],
  ["set_replica_schedule_limit", { [schedule]: [v8("config_schedule")] }, one],
  ["set_low_space_threshold", { [schedule]: [v8("config_schedule")] }, { percent: 85 }],
  ["remove_scheduler", { [`GET ${api}/schedulers`]: [v8("schedulers")] }, { name: "balance-leader-scheduler" }],
  [
    "transfer_leader",
    { [`GET ${api}/region/id/5`]: [regionLedBy(5)] },
    { regionId: "5", toStore: "store-2" },
    "region-5",
  ],
])(
  "%s asks PD for nothing while what its undo needs can't be written down",
  async (name, script, parameters, target) => {
    const unkept = new Error("no bus");
    const { error, kept, writes } = await carryOut(script, name, target ?? "cluster", parameters, { unkept });
    expect(error).toBe(unkept);
    expect(kept).toBeDefined();
    expect(writes).toEqual([]);
  },
);

test.each([
  ["set_region_schedule_limit", { limit: 16 }, '{"region-schedule-limit":16}'],
  ["set_replica_schedule_limit", { limit: 8 }, '{"replica-schedule-limit":8}'],
  ["set_low_space_threshold", { percent: 85 }, '{"low-space-ratio":0.85}'],
])("%s writes its own key", async (name, parameters, body) => {
  const [, key = "", value = ""] = /"(.*)":(.*)\}/.exec(body) ?? [];
  const was = v8("config_schedule");
  const now = { ...was, body: was.body.replace(new RegExp(`"${key}": [\\d.]+`), `"${key}": ${value}`) };
  const done = await carryOut({ [schedule]: [was, now], [config]: [v8("write-config")] }, name, "cluster", parameters);
  expect(done.error).toBeUndefined();
  expect(done.writes).toEqual([`${config} ${body}`]);
});

test.each<[string, Script, string | undefined, RegExp]>([
  ["PD refuses", { [schedule]: [v8("config_schedule")], [config]: [v9("config-bad2")] }, "PD_REFUSED", /cannot unmarshal/],
  ["is so by now", { [schedule]: [scheduleOf(3)] }, "LIMIT_IN_FORCE", /is 3 already/],
  ["PD accepts and doesn't keep", { [schedule]: [v8("config_schedule")], [config]: [v8("write-config")] }, undefined, /accepted.*says 4/],
  ["is accepted, and can't be read back", { [schedule]: [v8("config_schedule"), "break"], [config]: [v8("write-config")] }, undefined, /failed/],
  ["was lost on its way", { [schedule]: [v8("config_schedule")], [config]: ["break"] }, undefined, /failed/],
  ["can't be compared, as PD can't be read", {}, "PD_REFUSED", /404/],
])("a limit that %s is an error that says so", async (_, script, code, words) => {
  const { error } = await carryOut(script, "set_leader_schedule_limit", "cluster", { limit: 3 });
  expect(error instanceof NotDone).toBe(code !== undefined);
  expect(error).toMatchObject({ message: expect.stringMatching(words), ...(code !== undefined && { code }) });
}); // prettier-ignore

test("a limit of which the acknowledgement is lost is set, when it's read back so", async () => {
  const script: Script = { [schedule]: [v8("config_schedule"), v8("get-config-schedule-after")], [config]: ["break"] };
  expect((await carryOut(script, "set_leader_schedule_limit", "cluster", { limit: 3 })).effect).toContain("is 3");
});
