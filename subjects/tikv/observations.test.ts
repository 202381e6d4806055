import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { claudeTools } from "@operator/evidence/claude-tools";
import { examineReadTools } from "@operator/subject/exam-read-tools";
import { expect, test } from "vitest";
import { z } from "zod";
import { observations } from "./observations.ts";
import { type Recorded, recorded, serve, serveRecorded } from "./recorded.fixture.ts";
import { askTool } from "./read-tool.fixture.ts";

// What PD's tools say, from what a real PD answered.

async function ask(
  name: string,
  parameters: unknown,
  url: string,
  settings: Record<string, string> = {},
): Promise<unknown> {
  return await askTool(name, parameters, { TIKV_PD_ENDPOINTS: url, ...settings });
}

const at = (name: string, path: string): Recorded => ({ ...recorded(name), path });
const bodyOf = (path: string, body: string): Recorded => ({
  method: "GET",
  path,
  status: 200,
  contentType: "application/json",
  body,
});
const json = (file: string) => readFileSync(join(import.meta.dirname, "recordings", file), "utf8");
const allStores = "/pd/api/v1/stores?state=0&state=1&state=2";

test("each passes the room's exam, and can be told to Claude", () => {
  expect(examineReadTools(observations)).toEqual([]);
  expect(claudeTools(observations).map(({ name }) => name)).toEqual(observations.map(({ name }) => name));
});

test("get_stores: those that aren't up come first, each with the age of its heartbeat", async () => {
  const body = json("21-sigstop-one-tikv/final-stores.json");
  await using pd = await serveRecorded([bodyOf(allStores, body)]);
  const said = await ask("get_stores", {}, pd.url);
  const { counts, stores } = z
    .object({
      counts: z.record(z.string(), z.number()),
      stores: z.record(z.string(), z.looseObject({ state: z.string(), heartbeatAgeMs: z.number() })),
    })
    .parse(said);
  expect(Object.values(counts).reduce((sum, each) => sum + each, 0)).toBe(Object.keys(stores).length);
  const heartbeats = [...body.matchAll(/"address": "([^"]+)"[\s\S]*?"last_heartbeat": (\d+)/g)];
  expect(heartbeats).toHaveLength(3);
  for (const [, address, ns] of heartbeats) {
    const { heartbeatAgeMs } = Object.values(stores).find((store) => store["address"] === address) ?? {};
    const ageMs = Date.now() - Number(ns) / 1e6;
    expect(Math.abs((heartbeatAgeMs ?? Infinity) - ageMs), address).toBeLessThan(10_000);
  }
  await using mixed = await serveRecorded([
    bodyOf(allStores, recorded("50-pd-v8.5.5/stores").body.replace(/"Up"(?![\s\S]*"Up")/, '"Disconnected"')),
  ]);
  const states = z
    .object({ stores: z.record(z.string(), z.object({ state: z.string() })) })
    .parse(await ask("get_stores", {}, mixed.url));
  expect(Object.values(states.stores).map(({ state }) => state)).toEqual(["Disconnected", "Up", "Up"]);
});

test("get_hot_write_regions: the busiest by their flow, and those that PD lists itself", async () => {
  await using pd = await serveRecorded([
    bodyOf("/pd/api/v1/regions/writeflow?limit=16", json("30-hot-write/writeflow-75s.json")),
    bodyOf("/pd/api/v1/hotspot/regions/write", json("40-down-10min/hotspot-write-200s.json")),
  ]);
  expect(await ask("get_hot_write_regions", {}, pd.url)).toMatchObject({
    busiest: [{ region: "region-18", writtenBytes: 100473577, stores: expect.any(Array) as unknown }, {}, {}],
    listedByPd: [{ region: "region-18", leader: "store-3009", degree: 15 }],
  });
});

test("get_hot_read_regions: the busiest by what was read of them, with their leaders; PD may list none", async () => {
  const flow = recorded("50-pd-v8.5.5/writeflow");
  // Nothing was read of them when this was recorded.
  const body = flow.body.replace(
    '"read_bytes":0,"written_keys":1,"read_keys":0',
    '"read_bytes":7340032,"written_keys":1,"read_keys":7168',
  );
  await using pd = await serveRecorded([
    { ...flow, path: "/pd/api/v1/regions/readflow?limit=16", body },
    at("50-pd-v8.5.5/hotspot_regions_write", "/pd/api/v1/hotspot/regions/read"),
  ]);
  expect(await ask("get_hot_read_regions", {}, pd.url)).toMatchObject({
    busiest: [
      {
        region: "region-5",
        leader: "store-2",
        readBytes: 7_340_032,
        readKeys: 7_168,
        writtenBytes: 39,
        writtenKeys: 1,
      },
      { region: "region-10", leader: "store-1", readBytes: 0 },
      { region: "region-8", leader: "store-1", readBytes: 0 },
    ],
    listedByPd: [],
  });
});

test("get_region: leader, peers with their stores, keys; by number or by target", async () => {
  const { regions } = z
    .object({ regions: z.array(z.record(z.string(), z.unknown())) })
    .parse(JSON.parse(recorded("50-pd-v8.5.5/regions").body));
  const region = { ...regions[0], down_peers: [{ down_seconds: 700, peer: { id: 25, store_id: 2 } }] };
  await using pd = await serveRecorded([bodyOf("/pd/api/v1/region/id/5", JSON.stringify(region))]);
  for (const id of ["5", "region-5"]) {
    expect(await ask("get_region", { id }, pd.url)).toMatchObject({
      region: "region-5",
      leader: "store-1",
      stores: ["store-1", "store-7", "store-2"],
      peers: [{ id: "6", store: "store-1", role: "Voter" }, { store: "store-7" }, { store: "store-2" }],
      downPeers: [{ id: "25", store: "store-2", downForS: 700 }],
      pendingPeers: [],
      startKey: "7800000100000000FB",
      endKey: "(none)",
    });
  }
});

test("get_region of one that there isn't fails in PD's words, and what is no id is refused before anyone is asked", async () => {
  await using pd = await serveRecorded([recorded("01-pd-api-fake-stores/region-bad")]);
  await expect(ask("get_region", { id: "999999" }, pd.url)).rejects.toThrow("region 999999 not found");
  const parameters = observations.find(({ name }) => name === "get_region")?.parameters;
  for (const id of ["", "x", "5/../../stores", "18446744073709551615123", 5]) {
    expect(parameters?.safeParse({ id }).success, String(id)).toBe(false);
  }
});

test("get_region_health: PD's regions and leaders, also where there's no Prometheus", async () => {
  await using pd = await serveRecorded([
    bodyOf("/pd/api/v1/regions/count", '{"count":5,"regions":null}'),
    at("50-pd-v8.5.5/stores", allStores),
  ]);
  expect(await ask("get_region_health", {}, pd.url)).toEqual({
    regions: 5,
    leaders: 5,
    leadersByStore: { "store-1": 5, "store-2": 0, "store-7": 0 },
    missing: expect.stringContaining("TIKV_PROMETHEUS_URL isn't set") as unknown,
  });
});

const scheduling = [
  recorded("50-pd-v8.5.5/config_schedule"),
  recorded("50-pd-v8.5.5/config_replicate"),
  recorded("01-pd-api-fake-stores/sched-paused"),
];

test("get_schedulers: a forgotten evict-leader comes with its stores", async () => {
  await using pd = await serveRecorded([
    ...scheduling,
    bodyOf("/pd/api/v1/schedulers", '["balance-leader-scheduler","evict-leader-scheduler"]'),
    recorded("50-pd-v8.5.5/get-scheduler-config-evict"),
  ]);
  expect(await ask("get_schedulers", {}, pd.url)).toMatchObject({
    evictLeader: ["store-2"],
    paused: ["balance-leader-scheduler"],
    schedulers: ["balance-leader-scheduler", "evict-leader-scheduler"],
  });
});

test("get_schedule_config: the limits, and nothing of the schedulers", async () => {
  await using pd = await serveRecorded([...scheduling, bodyOf("/pd/api/v1/schedulers", "[]")]);
  const said = await ask("get_schedule_config", {}, pd.url);
  expect(said).toMatchObject({ leaderScheduleLimit: 4, maxReplicas: 3, haltScheduling: false });
  expect(said).not.toHaveProperty("schedulers");
});

test("get_operators: what is under way, and what ended lately, the newest first", async () => {
  const records = recorded("01-pd-api-fake-stores/op-records");
  // Since when is in the path.
  await using pd = await serve((request, response) => {
    const isRecords = request.url?.startsWith("/pd/api/v1/operators/records?from=") === true;
    response.end(isRecords ? records.body : recorded("01-pd-api-fake-stores/op-list-object").body);
  });
  const said = z
    .object({ underWay: z.object({ count: z.number() }), ended: z.array(z.string()) })
    .parse(await ask("get_operators", {}, pd.url));
  expect(said.underWay.count).toBeGreaterThan(0);
  const ends = said.ended.map((each) => /finishAt:(\S+ \S+)/.exec(each)?.[1] ?? "");
  expect(ends.length).toBeGreaterThan(1);
  expect(ends).toEqual(ends.toSorted().toReversed());
  const fromS = Number(/from=(\d+)/.exec(pd.asked.find(({ path }) => path.includes("from="))?.path ?? "")?.[1]);
  expect(Math.abs(Date.now() / 1_000 - 600 - fromS)).toBeLessThan(5);
});

test("get_log_tail: the newest lines that contain a text, of a store by PD's word of its address", async () => {
  const folder = mkdtempSync(join(tmpdir(), "room-tail-"));
  const line = (at: number, text: string) => `[2026/11/21 05:00:0${at}.000 +00:00] [INFO] [raft.rs:1] ${text}`;
  const lines = [
    line(1, '["became leader"] [raft_id=21] [region_id=18]'),
    line(2, '["became leader"] [raft_id=21]'),
    line(3, '["wait connect timeout"] [store_id=2]'),
    line(4, '["became follower"] [raft_id=21] [region_id=18]'),
  ];
  writeFileSync(join(folder, "tikv.log"), `${lines.join("\n")}\n`);
  await using pd = await serveRecorded([at("50-pd-v8.5.5/stores", allStores)]);
  const logs = { TIKV_LOGS: `127.0.0.1:20162=${folder}/tikv.log,pd-1=${folder}/pd.log` };
  try {
    const tail = (target: string, filter: string, most = 50) =>
      ask("get_log_tail", { target, lines: most, filter }, pd.url, logs);
    expect(await tail("store-1", "REGION_ID=18")).toMatchObject({ lines: [lines[0], lines[3]], entriesFound: 2 });
    expect(await tail("store-1", "", 2)).toMatchObject({ lines: [lines[2], lines[3]], entriesRead: 4 });
    await expect(tail("store-2", "")).rejects.toThrow("no file is named for the log of store-2");
    pd.asked.length = 0;
    await expect(tail("pd-1", "")).rejects.toThrow("ENOENT");
    expect(pd.asked).toEqual([]);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("get_log_tail: of an entry with a long stack its first line stands, and how much of it doesn't", async () => {
  const folder = mkdtempSync(join(tmpdir(), "room-tail-"));
  const line = (at: number, level: string, text: string) =>
    `[2026/11/21 05:00:0${at}.000 +00:00] [${level}] [a.rs:1] ${text}`;
  const frames = Array.from({ length: 80 }, (_, at) => `  ${at}: frame`);
  const [before, panicked, after] = [
    line(1, "INFO", '["serving"]'),
    line(2, "FATAL", '["panicked at tikv"]'),
    line(3, "INFO", '["started"]'),
  ];
  writeFileSync(join(folder, "pd.log"), [before, panicked, ...frames, after, ""].join("\n"));
  const tail = (lines: number, filter: string) =>
    ask("get_log_tail", { target: "pd-1", lines, filter }, "http://127.0.0.1:1", {
      TIKV_LOGS: `pd-1=${folder}/pd.log`,
    });
  try {
    expect(await tail(50, "panicked")).toMatchObject({
      lines: [panicked, ...frames.slice(0, 24), "… lines left out: 31", ...frames.slice(-25)],
      entriesFound: 1,
    });
    expect(await tail(4, "")).toMatchObject({
      lines: [panicked, frames[0], "… lines left out: 78", frames[79], after],
    });
    expect(await tail(1, "panicked")).toMatchObject({ lines: [panicked, "… lines left out: 80"] });
    expect(await tail(1, "")).toMatchObject({ lines: [after] });
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test.each([
  { name: "one line", given: { lines: 1 }, isTaken: true },
  { name: "fifty lines", given: { lines: 50 }, isTaken: true },
  { name: "no lines", given: { lines: 0 }, isTaken: false },
  { name: "more than fifty lines", given: { lines: 51 }, isTaken: false },
  { name: "half a line", given: { lines: 1.5 }, isTaken: false },
  { name: "a filter of 80 characters", given: { filter: "x".repeat(80) }, isTaken: true },
  { name: "a longer filter", given: { filter: "x".repeat(81) }, isTaken: false },
  { name: "no target", given: { target: "" }, isTaken: false },
  { name: "a target that's too long", given: { target: "x".repeat(81) }, isTaken: false },
])("get_log_tail asked for $name: taken is $isTaken", ({ given, isTaken }) => {
  const parameters = observations.find(({ name }) => name === "get_log_tail")?.parameters;
  const asked = { target: "store-1", lines: 50, filter: "", ...given };
  expect(parameters?.safeParse(asked).success).toBe(isTaken);
});

test("get_members: each member is asked whom it calls the leader, also those that only PD lists", async () => {
  const members = recorded("50-pd-v8.5.5/members");
  const answers = [recorded("50-pd-v8.5.5/leader")];
  await using one = await serveRecorded(answers);
  await using other = await serveRecorded(answers);
  // Of the three that are listed two are there.
  const addresses = [one.url, other.url, "http://127.0.0.1:1"].values();
  const body = members.body.replaceAll(/(?<="client_urls": \[\s*")[^"]+/g, () => addresses.next().value ?? other.url);
  answers.push({ ...members, body });
  const said = z
    .object({
      leader: z.string(),
      isListed: z.boolean(),
      answers: z.record(z.string(), z.object({ leader: z.string().optional(), code: z.string().optional() })),
    })
    .parse(await ask("get_members", {}, one.url));
  expect(said.isListed).toBe(true);
  expect(Object.values(said.answers).map(({ leader, code }) => leader ?? code)).toEqual(
    expect.arrayContaining([said.leader, "ECONNREFUSED"]),
  );
  expect(Object.keys(said.answers)).toHaveLength(3);
  expect(other.asked.length).toBeGreaterThan(0);
  expect(said).not.toHaveProperty("leaderSinceMs");
});
