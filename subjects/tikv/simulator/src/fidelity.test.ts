import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { z } from "zod";
import { ask, type ClusterFixture, startCluster } from "./cluster.fixture.ts";
import { decodeJson } from "./exact-json.ts";
import { unlike, unlikeText, worded } from "./likeness.fixture.ts";
import {
  namesFor,
  namesForNobody,
  readRecording,
  readText,
  type Recording,
  recordingsOf,
  seriesOf,
} from "./recording.fixture.ts";
import { until } from "./until.fixture.ts";

/** What is deliberately not as it was recorded, and why. */
const notImitated: Record<string, string> = {
  "00-pd-not-bootstrapped/ready":
    "v8.5.5 says 500 until regions are loaded (research 9.1); recorded from a later version",
  "01-pd-api-fake-stores/ready-v": "v8.5.5 has only region_loaded (research 9.1); recorded from a later version",
  "01-pd-api-fake-stores/sch-evict-badstore":
    "500 in v8.5.5 with the same text (research 9.1); recorded from a later version",
  "11-live-api/tikv-config": "23 KB of settings: only the few that say something about a simulated store are there",
  "11-live-api/tikv-ready": "absent in v8.5.5 (research 9.3)",
  "11-live-api/tikv-ready_verbose": "absent in v8.5.5 (research 9.3)",
};

const realSeries = [
  "02-metrics/pd-leader.metrics",
  "02-metrics/pd-follower.pd_only.metrics",
  "02-metrics/tikv1.metrics",
  "50-pd-v8.5.5/pd-leader.metrics-selection",
];
/** Series that a real one has (research, 4), and the recorded one had not, as nothing had asked it for anything yet. */
const notRecorded = ["tikv_storage_engine_async_request_duration_seconds", "tikv_thread_cpu_seconds_total"];

const leaderUrl = async (cluster: ClusterFixture) => {
  const leader = z.object({ name: z.string() }).parse((await cluster.pd("/leader")).body);
  return cluster.pds.find(({ name }) => name === leader.name)?.url ?? "";
};

const done = new Set<string>();

/** Asks ours what the real one was asked, of `url`; ids in path and body are those of our stores and region. */
async function compared(recording: Recording, url: string, ids: Record<string, string> = {}): Promise<string[]> {
  const mapped = (text: string) =>
    text
      .replace("/name/pd1", "/name/pd-1")
      .replaceAll(
        /(\/(?:store|operators)\/|"(?:to_)?store_id":|"region_id":|scheduler-)(\d+)/g,
        (all, before: string, id: string) => {
          const ours = ids[`${before.includes("region") || before.includes("operators") ? "region " : ""}${id}`];
          return ours === undefined ? all : `${before}${ours}`;
        },
      );
  const body = recording.requestBody === undefined ? {} : { body: mapped(recording.requestBody) };
  const answered = await ask(recording.method, `${url}${mapped(recording.path)}`, body);
  const found = [
    ...(answered.status === recording.status
      ? []
      : [`HTTP ${recording.status}, ours ${answered.status} ${answered.text}`]),
    ...(answered.type === recording.type ? [] : [`Content-Type ${recording.type}, ours ${answered.type}`]),
    ...unlikeText(recording.text, answered.text, recording.name.startsWith("01-")),
  ];
  done.add(recording.name);
  return found.map((difference) => `${recording.name}: ${difference}`);
}

/** The text of a recording that the test itself compares. */
function takenUp(name: string): string {
  done.add(name);
  return readRecording(name).text;
}

const recorded = (folder: string, names: string) =>
  names
    .trim()
    .split(/\s+/)
    .map((name) => readRecording(`${folder}/${name}`));

/** Those that change something, and those that show it: each as a list in the order in which it was asked. */
const told = {
  errors: recorded(
    "01-pd-api-fake-stores",
    `
    check-bogus config-bad config-bad2 config-sched-bad del-999 leader-transfer-bad member-del-bad
    op-bad-region op-badname op-del-none op-get-none op-missing op-noname op-notjson op-split-badpolicy
    op-transfer-leader-bad-store op-transfer-region progress region-abc region-bad resign-wrongpath
    sch-bad sch-del-none state-bad state-none store-999 store-abc weight-bad weight-bad2 ping-redirect
    stores-tomb rmtomb`,
  ),
  follower: recorded("01-pd-api-fake-stores", "follower-post follower-stores ping-redirect"),
  healthy: recorded(
    "01-pd-api-fake-stores",
    `
    check-bystate config-full config-sched-get limit-get offline-peer operators-get region-count
    stats-region store-1 weight prio prio0 config-ok config-ok2 config-sched-ok pause-sched sched-paused
    sched-resume`,
  ),
  evicting: recorded(
    "01-pd-api-fake-stores",
    `
    sch-add-evict sch-evict-conf store-1-evicting sch-add-evict-again sch-add-evict-2 sch-list2
    sch-del-evict-1 sch-del-evict-all`,
  ),
  leaving: recorded(
    "01-pd-api-fake-stores",
    `
    state-offline store4-offline state-up up-nochange del-store store4-removing del-store-again
    del-store2 del-store3 up4`,
  ),
  operators: recorded(
    "01-pd-api-fake-stores",
    `
    op-transfer-leader op-transfer-leader-again op-get-region op-del op-add-peer op-add-peer-list op-del2
    op-split op-split-get op-del3 op-transfer-region-get op-del4 op-delete-all`,
  ),
  ofTheVersion: recorded(
    "50-pd-v8.5.5",
    `
    write-config get-config-schedule-after write-config-back write-config-schedule-unknown
    write-config-unknown write-op-missing-store write-op-unknown-name write-op-unknown-region
    write-sched-evict get-scheduler-config-evict get-schedulers-after get-stores-evicting
    write-sched-evict-again write-sched-evict-delete write-store-unknown`,
  ),
  /** Three stores of three are needed. */
  refused: recorded("50-pd-v8.5.5", "write-store-delete-refused"),
  finished: recorded("50-pd-v8.5.5", "write-op-transfer-leader"),
  finishedAfter: recorded("50-pd-v8.5.5", "get-op-region get-op-region-after"),
  split: recorded("50-pd-v8.5.5", "write-op-split"),
};
const isTold = (name: string) => Object.values(told).some((list) => list.some((recording) => recording.name === name));

describe("before the first store came", () => {
  let cluster: ClusterFixture;
  beforeAll(async () => {
    cluster = await startCluster();
    for (const { name } of cluster.pds) cluster.start(name);
    await until("PD has a leader, and all members", async () => {
      const answer = await cluster.pd("/members").catch(() => undefined);
      const read = z.object({ members: z.array(z.unknown()) }).safeParse(answer?.body);
      return read.data?.members.length === 3;
    });
  });
  afterAll(async () => await cluster[Symbol.asyncDispose]());

  test("PD answers as it was recorded", async () => {
    const url = await leaderUrl(cluster);
    const found: string[] = [];
    for (const recording of recordingsOf("00-pd-not-bootstrapped"))
      if (!(recording.name in notImitated)) found.push(...(await compared(recording, url)));
    expect(found).toEqual([]);
  });

  test("v8.5.5 isn't ready then", async () => {
    expect((await ask("GET", `${await leaderUrl(cluster)}/pd/api/v2/ready`)).status).toBe(500);
  });

  test("with the first store come no schedulers yet", async () => {
    cluster.start("tikv-1");
    const url = await leaderUrl(cluster);
    await until("the store is there", async () => (await ask("GET", `${url}/pd/api/v1/stores`)).status === 200);
    expect(await compared(readRecording("01-pd-api-fake-stores/schedulers"), url)).toEqual([]);
  });
});

describe("a healthy cluster", () => {
  let cluster: ClusterFixture;
  let url: string;
  let ids: Record<string, string>;
  /** The store that leads our region, by its status address. */
  let status: string;

  beforeAll(async () => {
    cluster = await startCluster({ stores: 4, withWorkload: true });
    await cluster.startAll();
    url = await leaderUrl(cluster);
    // The real one's stores were serving, and a few of its regions held next to nothing.
    await until("every store is serving", async () =>
      (await cluster.storesNow()).every(({ store }) => store["node_state"] === 1),
    );
    // Of each store's first region, or PD would move leaders away from the one that leads more.
    const halves = [10_000, 5_000, 2_500, 1_250, 625];
    const keys = [0, 1, 2, 3].flatMap((nth) =>
      halves.map((half) => `k${String(nth * 20_000 + half).padStart(9, "0")}`),
    );
    const body = JSON.stringify({ split_keys: keys.map((key) => Buffer.from(key).toString("hex")), retry_limit: 5 });
    await ask("POST", `${url}/pd/api/v1/regions/split`, { body, withinMs: 30_000 });
    await until(
      "some regions are empty",
      async () => !(await cluster.pd("/regions/check/empty-region")).text.includes('"count":0'),
    );
    const Region = z.object({
      id: z.int(),
      peers: z.array(z.object({ store_id: z.int() })),
      leader: z.object({ store_id: z.int() }),
    });
    const { regions } = z.object({ regions: z.array(Region) }).parse((await cluster.pd("/regions")).body);
    const stores = await cluster.storesNow();
    const region = regions[0] ?? { id: 0, peers: [], leader: { store_id: 0 } };
    const of = region.peers.map(({ store_id }) => store_id).filter((id) => id !== region.leader.store_id);
    // Recorded: a region of the stores 1 to 3, led by store 1; store 4 (elsewhere 7) has no peer of it.
    const first = String(region.leader.store_id);
    const outside = String(stores.find(({ store }) => ![region.leader.store_id, ...of].includes(store.id))?.store.id);
    ids = {
      "1": first,
      "2": String(of[0]),
      "3": String(of[1]),
      "4": outside,
      "region 81": String(region.id),
      "region 5": String(region.id),
    };
    const address = stores.find(({ store }) => String(store.id) === first)?.store.address;
    status = cluster.tikvs.find((tikv) => tikv.address === address)?.status ?? "";
  });
  afterAll(async () => await cluster[Symbol.asyncDispose]());

  const all = async (recordings: Recording[], at = url) => {
    const found: string[] = [];
    for (const recording of recordings) found.push(...(await compared(recording, at, ids)));
    return found;
  };
  const cut = async () =>
    await ask("PUT", `http://${status}/simulator/pd-link`, { body: '{"cut":true,"ttlMs":30000}' });
  const heal = async () => await ask("DELETE", `http://${status}/simulator/pd-link`);

  test("answers every question that was recorded of one", async () => {
    const reads = [...recordingsOf("11-live-api"), ...recordingsOf("50-pd-v8.5.5")].filter(
      ({ name, path }) => path.startsWith("/pd/") && !(name in notImitated) && !isTold(name),
    );
    expect(reads.length).toBeGreaterThan(50);
    expect(await all(reads)).toEqual([]);
  });

  test("TiKV's status port answers as it was recorded", async () => {
    const asked = recordingsOf("11-live-api").filter(
      ({ path, name }) => !path.startsWith("/pd/") && !(name in notImitated),
    );
    expect(asked.map(({ path }) => path)).toEqual(["/engine_type", "/region/12", "/status"]);
    expect(
      await all(
        asked.map((recording) => ({ ...recording, path: recording.path.replace("/12", "/999999") })),
        `http://${status}`,
      ),
    ).toEqual([]);
    expect((await ask("GET", `http://${status}/ready`)).status).toBe(404);
  });

  test("every series has the name and the labels of a real one", async () => {
    const real = new Set(realSeries.flatMap((name) => [...seriesOf(readText(name))]));
    for (const name of realSeries) done.add(name);
    const follower = cluster.pds.find((pd) => pd.url !== url)?.url;
    for (const at of [url, follower, `http://${status}`]) {
      const ours = seriesOf((await ask("GET", `${at}/metrics`)).text);
      expect(ours.size).toBeGreaterThan(5);
      expect(
        [...ours].filter((series) => !real.has(series) && !notRecorded.some((name) => series.startsWith(name))),
      ).toEqual([]);
    }
  });

  test("errors have the same codes, types and words", async () => {
    expect(await all(told.errors)).toEqual([]);
  });

  test("a follower answers like the leader", async () => {
    const follower = cluster.pds.find((pd) => pd.url !== url)?.url ?? "";
    expect(await all(told.follower, follower)).toEqual([]);
  });

  test("what is set is answered alike", async () => {
    expect(await all([...told.healthy, ...told.ofTheVersion])).toEqual([]);
  });

  test("an operator under way, cancelled and finished reads the same", async () => {
    await cut();
    expect(await all(told.operators)).toEqual([]);
    expect(await all([readRecording("01-pd-api-fake-stores/op-transfer-leader")])).toEqual([]);
    // The real one had another under way, of the first split, which the simulator's layout doesn't need.
    const [real] = z.array(z.unknown()).parse(decodeJson(takenUp("01-pd-api-fake-stores/op-list-object")));
    const objects = z.array(z.unknown()).parse((await ask("GET", `${url}/pd/api/v1/operators?object=1`)).body);
    expect(unlike([real], objects)).toEqual([]);
    const [realText] = z.array(z.string()).parse(decodeJson(takenUp("01-pd-api-fake-stores/op-list")));
    expect(unlike([realText], (await ask("GET", `${url}/pd/api/v1/operators`)).body)).toEqual([]);
    await ask("DELETE", `${url}/pd/api/v1/operators`);
    const records = z.array(z.string()).parse((await ask("GET", `${url}/pd/api/v1/operators/records`)).body);
    const [realRecord = ""] = z.array(z.string()).parse(decodeJson(takenUp("01-pd-api-fake-stores/op-records")));
    const frame = (text: string) =>
      worded(text)
        .replace(/\{[^}]*\} \(kind:[a-z,]+/, "{…} (kind:…")
        .replace(/^\S+/, "…");
    expect(records.map(frame).filter((record) => !record.includes("split"))).toContain(frame(realRecord));
    await heal();

    expect(await all(told.finished)).toEqual([]);
    await until("the operator has succeeded", async () =>
      (await ask("GET", `${url}/pd/api/v1/operators/${ids["region 5"]}`)).text.includes("SUCCESS"),
    );
    expect(await all([...told.finishedAfter, ...told.split])).toEqual([]);
  });

  test("evict-leader comes and goes with the same words", async () => {
    expect(await all(told.evicting)).toEqual([]);
  });

  test("a store leaves with the same words, and can't when too few would stay", async () => {
    expect(await all(told.leaving)).toEqual([]);
    await ask("DELETE", `${url}/pd/api/v1/store/${ids["4"]}`);
    expect(await all(told.refused)).toEqual([]);
  });
});

test("every recording has been compared, or has its reason not to be", () => {
  const names = namesFor("answers");
  expect(names.filter((name) => !done.has(name) && !(name in notImitated))).toEqual([]);
  expect(Object.keys(notImitated).filter((name) => !names.includes(name) || done.has(name))).toEqual([]);
  expect(namesForNobody()).toEqual([]);
});
