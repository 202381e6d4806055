import type { Agent } from "undici";
import { afterEach, beforeEach, expect, test } from "vitest";
import { operatorsSource } from "./observe-operators.ts";
import { scheduleSource } from "./observe-schedule.ts";
import { PdClient, pdDispatcher } from "./pd-client.ts";
import { playPd } from "./pd-exchange.fixture.ts";
import { recorded, type Recorded, serveRecorded } from "./recorded.fixture.ts";
import { OperatorsReading, ScheduleReading } from "./state.ts";

let dispatcher: Agent;
beforeEach(() => {
  dispatcher = pdDispatcher();
});
afterEach(() => dispatcher.destroy());

const config = recorded("50-pd-v8.5.5/config_schedule");
const replicate = recorded("50-pd-v8.5.5/config_replicate");
const schedulers = recorded("50-pd-v8.5.5/schedulers");
const none: Recorded = { ...schedulers, path: "/pd/api/v1/schedulers?status=paused", body: "[]" };
const evicting = recorded("50-pd-v8.5.5/get-schedulers-after");
const evictList = recorded("50-pd-v8.5.5/get-scheduler-config-evict");

async function readSchedule(...answers: Recorded[]) {
  await using pd = await serveRecorded(answers);
  const reading = (await scheduleSource(new PdClient([pd], dispatcher)).read(AbortSignal.timeout(2_000)))["cluster"];
  if (!reading || !("value" in reading)) throw new Error("no reading");
  return { value: ScheduleReading.parse(reading.value), asked: pd.asked.length };
}

test("what v8.5.5 may schedule, in four requests", async () => {
  expect(await readSchedule(config, replicate, schedulers, none)).toEqual({
    value: {
      leaderScheduleLimit: 4,
      regionScheduleLimit: 2_048,
      replicaScheduleLimit: 64,
      mergeScheduleLimit: 8,
      hotRegionScheduleLimit: 4,
      lowSpaceRatio: 0.8,
      highSpaceRatio: 0.7,
      haltScheduling: false,
      maxReplicas: 3,
      schedulers: [
        "balance-hot-region-scheduler",
        "balance-leader-scheduler",
        "balance-region-scheduler",
        "evict-slow-store-scheduler",
        "evict-stopping-store-scheduler",
      ],
      paused: [],
      evictLeader: [],
    },
    asked: 4,
  });
});

test("what is halted, paused and evicted", async () => {
  const halted = { ...config, body: config.body.replace("{", '{"halt-scheduling": "true",') };
  const paused = recorded("01-pd-api-fake-stores/sched-paused");
  expect(await readSchedule(halted, replicate, evicting, paused, evictList)).toMatchObject({
    value: { haltScheduling: true, paused: ["balance-leader-scheduler"], evictLeader: ["store-2"] },
    asked: 5,
  });
});

const noScheduler = recorded("01-pd-api-fake-stores/sch-del-none");
const noPage: Recorded = { ...noScheduler, contentType: "text/plain; charset=utf-8", body: "404 page not found\n" };
const broken = recorded("00-pd-not-bootstrapped/stores");

/** An evict-leader scheduler is listed, and then its stores can't be: `after` is what PD lists the next time. */
async function readWhenListFails(failure: Recorded | "break", after: Recorded) {
  await using pd = await playPd({
    "GET /pd/api/v1/config/schedule": [config],
    "GET /pd/api/v1/config/replicate": [replicate],
    "GET /pd/api/v1/schedulers": [evicting, after],
    "GET /pd/api/v1/schedulers?status=paused": [none],
    "GET /pd/api/v1/scheduler-config/evict-leader-scheduler/list": [failure],
  });
  const client = new PdClient([{ url: pd.environment["TIKV_PD_ENDPOINTS"] ?? "" }], dispatcher);
  const reading = (await scheduleSource(client).read(AbortSignal.timeout(2_000)))["cluster"];
  if (!reading || !("value" in reading)) throw new Error("no reading");
  return ScheduleReading.parse(reading.value);
}

test.each([
  { name: "names no such scheduler", failure: noScheduler },
  { name: "has no such page", failure: noPage },
  { name: "fails otherwise", failure: broken },
  { name: "breaks the connection", failure: "break" as const },
])(
  "an evict-leader scheduler that was removed since it was listed evicts nothing, when PD $name",
  async ({ failure }) => {
    const reading = await readWhenListFails(failure, schedulers);
    expect(reading.evictLeader).toEqual([]);
    expect(reading.schedulers).not.toContain("evict-leader-scheduler");
    // A new leader of PD lists none yet: that's told as it is.
    expect(await readWhenListFails(failure, { ...schedulers, body: "[]" })).toMatchObject({ schedulers: [] });
  },
);

test.each([
  { failure: noScheduler, code: "ErrSchedulerNotFound" },
  { failure: noPage, code: "HTTP_404" },
  { failure: broken, code: "ErrNotBootstrapped" },
  { failure: "break" as const, code: "UND_ERR_SOCKET" },
  { failure: { ...evictList, body: "{}" }, code: "PD_ANSWER" },
])("while the scheduler is listed still, $code is no word that it evicts nothing", async ({ failure, code }) => {
  await expect(readWhenListFails(failure, evicting)).rejects.toMatchObject({ code });
});

test("without one of the answers there's no reading", async () => {
  await expect(readSchedule(config, replicate, schedulers)).rejects.toMatchObject({ code: "HTTP_404" });
});

test("operators that run, by their regions", async () => {
  const answer = recorded("01-pd-api-fake-stores/op-list-object");
  await using pd = await serveRecorded([answer]);
  const source = operatorsSource(new PdClient([pd], dispatcher));
  const read = async () => {
    const reading = (await source.read(AbortSignal.timeout(1_000)))["cluster"];
    return OperatorsReading.parse(reading && "value" in reading ? reading.value : undefined);
  };
  expect(await read()).toEqual({
    count: 2,
    running: [
      { region: "region-81", desc: "admin-transfer-leader", brief: "transfer leader: store 1 to 2" },
      {
        region: "region-237",
        desc: "labeler-split-region",
        brief: "split: region 237 use policy USEKEY and keys [7800000000000000FB 7800000100000000FB]",
      },
    ],
  });
  const many = Array.from({ length: 500 }, (_, id) => ({ region_id: id, desc: "x".repeat(1_000), brief: "" }));
  answer.body = JSON.stringify(many);
  expect(await read()).toMatchObject({ count: 500, running: { length: 20, 0: { desc: "x".repeat(200) } } });
  answer.body = "null";
  expect(await read()).toEqual({ count: 0, running: [] });
});
