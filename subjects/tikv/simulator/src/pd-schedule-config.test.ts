import { expect, test } from "vitest";
import { durationMs, readUpdate, scheduleOf } from "./pd-schedule-config.ts";

test.each([
  [{ "leader-schedule-limit": 0 }, { "schedule.leader-schedule-limit": 0 }],
  [{ "schedule.leader-schedule-limit": 3 }, { "schedule.leader-schedule-limit": 3 }],
  [{ "low-space-ratio": 0.6 }, { "schedule.low-space-ratio": 0.6 }],
  [{ "halt-scheduling": true }, { "schedule.halt-scheduling": "true" }],
  [{ "replication.max-replicas": 5 }, { "replication.max-replicas": 5 }],
])("%o is set", (update, set) => {
  expect(readUpdate(update)).toEqual({ set });
});

test.each([
  [{ foo: 1 }, "config item foo not found"],
  [{ "schedule.foo": 1 }, "config item foo not found"],
  [{ "controller.foo": 1 }, "config prefix controller not found"],
  [
    { "leader-schedule-limit": "x" },
    "json: cannot unmarshal string into Go struct field ScheduleConfig.leader-schedule-limit of type uint64",
  ],
  [
    { "leader-schedule-limit": -1 },
    "json: cannot unmarshal number -1 into Go struct field ScheduleConfig.leader-schedule-limit of type uint64",
  ],
])("%o is refused", (update, error) => {
  expect(readUpdate(update)).toEqual({ error });
});

test("of its own section an unknown key is passed over without a word", () => {
  expect(readUpdate({ foo: 1, "leader-schedule-limit": 2 }, "schedule")).toEqual({
    set: { "schedule.leader-schedule-limit": 2 },
  });
});

test("a halt shows only while it's on", () => {
  expect(scheduleOf({})).not.toHaveProperty("halt-scheduling");
  expect(scheduleOf({ "schedule.halt-scheduling": "true" })["halt-scheduling"]).toBe("true");
});

test.each([
  ["30m0s", 1_800_000],
  ["10ms", 10],
  ["48h0m0s", 172_800_000],
  ["soon", undefined],
])("%s is %s ms", (text, ms) => {
  expect(durationMs(text)).toBe(ms);
});
