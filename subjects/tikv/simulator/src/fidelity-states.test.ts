import { afterAll, beforeAll, expect, test } from "vitest";
import { z } from "zod";
import { ask, type ClusterFixture, startCluster } from "./cluster.fixture.ts";
import { decodeJson } from "./exact-json.ts";
import { unlike, unlikeText, worded } from "./likeness.fixture.ts";
import { namesFor, readText, seriesOf } from "./recording.fixture.ts";
import { until } from "./until.fixture.ts";

// States that a real cluster was brought into, one after the other; ten times as fast. Four stores, so that one can leave.
let cluster: ClusterFixture;
let url: string;
beforeAll(async () => {
  cluster = await startCluster({ scale: 10, stores: 4, withWorkload: true });
  await cluster.startAll();
  url = `${cluster.pds[0]?.url}/pd/api/v1`;
  await until("every store is serving", async () =>
    (await cluster.storesNow()).every(({ store }) => store["node_state"] === 1),
  );
});
afterAll(async () => await cluster[Symbol.asyncDispose]());

const done = new Set<string>();
/** In what ours is unlike the recording. */
async function differences(name: string, path: string, method = "GET", body?: string): Promise<string[]> {
  done.add(name);
  const answered = await ask(method, `${url}${path}`, body === undefined ? {} : { body });
  return unlikeText(readText(name), answered.text);
}
const post = async (path: string, body: object) => await ask("POST", `${url}${path}`, { body: JSON.stringify(body) });
/** Puts a disturbance on a store, or takes it away. */
const set = async (name: string, disturbance: string, wanted?: object) => {
  const [method, options] = wanted === undefined ? ["DELETE", {}] : ["PUT", { body: JSON.stringify(wanted) }];
  return await ask(method, `http://${statusOf(name)}/simulator/${disturbance}`, options);
};
const statusOf = (name: string) => cluster.tikvs.find((tikv) => tikv.name === name)?.status;
const leaders = async (name: string) => (await cluster.storeOf(name)).status.leader_count;

test("leaders are evicted from a store; once its disk is full it takes none back, and stays Up", async () => {
  const { id } = (await cluster.storeOf("tikv-1")).store;
  await post("/schedulers", { name: "evict-leader-scheduler", store_id: id });
  await until("it leads nothing", async () => (await leaders("tikv-1")) === 0);
  expect(await differences("31-evict-leader/stores-30s", "/stores")).toEqual([]);
  expect(await differences("31-evict-leader/schedulers-30s", "/schedulers")).toEqual([]);
  done.add("31-evict-leader/operator-records-30s");
  const records = z.array(z.string()).parse((await ask("GET", `${url}/operators/records`)).body);
  const evicted = records.filter((record) => record.startsWith("evict-leader-scheduler"));
  expect(unlike(decodeJson(readText("31-evict-leader/operator-records-30s")), evicted)).toEqual([]);

  await set("tikv-1", "disk", { usedPercent: 97.5, ttlMs: 60_000 });
  await ask("DELETE", `${url}/schedulers/evict-leader-scheduler`);
  await until("PD has tried in vain", () => cluster.member("tikv-1").output.includes('["reject transferring leader"]'));
  expect(await differences("34c-disk-already-full/stores-45s", "/stores")).toEqual([]);
  expect(await leaders("tikv-1")).toBe(0);
  await set("tikv-1", "disk");
  await until("with room again it takes leaders", async () => (await leaders("tikv-1")) > 2);
});

test("a store with little space is counted by the metrics, and by nothing else", async () => {
  const lowSpace = async () => {
    const texts = await Promise.all(cluster.pds.map(async ({ url }) => (await ask("GET", `${url}/metrics`)).text));
    return texts.flatMap((text) => text.split("\n").filter((line) => line.includes("store_low_space_count")));
  };
  await set("tikv-1", "disk", { usedPercent: 93, ttlMs: 60_000 });
  await until("the metric counts it", async () => (await lowSpace()).some((line) => line.endsWith(" 1")));
  done.add("34a-low-space/low_space.metrics");
  const ours = await lowSpace();
  const real = readText("34a-low-space/low_space.metrics").trim().split("\n");
  expect(seriesOf(ours.join("\n"))).toEqual(seriesOf(real.join("\n")));
  expect(ours.filter((line) => line.endsWith(" 1"))).toHaveLength(real.filter((line) => line.endsWith(" 1")).length);
  expect(await differences("34a-low-space/stores-45s", "/stores")).toEqual([]);
  await set("tikv-1", "disk");
});

test("operators by hand, while they run and once they're done", async () => {
  done.add("33-operators/ops");
  // `<ms> <question>: <answer>`, or `<ms> <question> -> <answer>`; one of the answers takes several lines. What isn't
  // compared is the refusal to scatter a region that was just used.
  const said = readText("33-operators/ops").split(/^\d{13}\t/m);
  const real = (question: string, nth = 0) => {
    const line = said.filter((line) => line.startsWith(question))[nth] ?? "";
    return line.replace(/^.*?(: | -> )/, "").trim();
  };
  const Region = z.object({
    id: z.int(),
    peers: z.array(z.object({ store_id: z.int() })),
    leader: z.object({ store_id: z.int() }),
  });
  const { regions } = z.object({ regions: z.array(Region) }).parse((await ask("GET", `${url}/regions`)).body);
  const region = regions[0] ?? Region.parse({});
  const to = region.peers.find(({ store_id }) => store_id !== region.leader.store_id)?.store_id ?? 0;
  const operator = async () => (await ask("GET", `${url}/operators/${region.id}`)).text;
  const isDone = async () => (await operator()).includes("SUCCESS");
  const nameOf = async (id: number) => {
    const address = (await cluster.storesNow()).find(({ store }) => store.id === id)?.store.address;
    return cluster.tikvs.find((tikv) => tikv.address === address)?.name ?? "";
  };
  /** While its leader hears nothing of PD, an operator goes on running. */
  const ran = async (leader: number, wanted: object) => {
    const name = await nameOf(leader);
    await set(name, "pd-link", { cut: true, ttlMs: 10_000 });
    const told = await post("/operators", wanted);
    const running = await operator();
    await set(name, "pd-link");
    await until("it's done", isDone);
    return [told.text, running, await operator()].map((text) => text.trim());
  };

  const moved = await ran(region.leader.store_id, { name: "transfer-leader", region_id: region.id, to_store_id: to });
  const split = await ran(to, { name: "split-region", region_id: region.id, policy: "approximate" });
  const asked = [
    "POST transfer-leader",
    "GET /operators",
    "GET /operators",
    "POST split-region",
    "GET /operators",
    "GET /operators",
  ];
  const nths = [0, 0, 1, 0, 2, 3];
  expect([...moved, ...split].map(worded)).toEqual(asked.map((question, at) => worded(real(question, nths[at]))));

  const key = Buffer.from("k000005000").toString("hex").toUpperCase();
  const answered = await post("/regions/split", { split_keys: [key], retry_limit: 5 });
  expect(unlike(decodeJson(real("POST regions/split")), answered.body)).toEqual([]);
  expect(unlike(decodeJson(real("GET region")), (await ask("GET", `${url}/region/id/${region.id}`)).body)).toEqual([]);
});

test("a store that was paused is Up again, and its peers go on finding the network to it slow", async () => {
  const member = cluster.member("tikv-2");
  member.signal("SIGSTOP");
  await until("its peers find it slow", async () => {
    const { text } = await ask("GET", `http://${statusOf("tikv-1")}/metrics`);
    return Number(/^tikv_raftstore_slow_score\{type="network"\} (\d+)/m.exec(text)?.[1]) > 40;
  });
  member.signal("SIGCONT");
  await until("PD shows it", async () =>
    (await cluster.storesNow()).some(({ status }) => "network_slow_score" in status),
  );
  await until("all stores are up", async () =>
    (await cluster.storesNow()).every(({ store }) => store.state_name === "Up"),
  );
  expect(await differences("21-sigstop-one-tikv/final-stores", "/stores")).toEqual([]);
});

test("a store leaves: offline, a tombstone, forgotten", async () => {
  const { id } = (await cluster.storeOf("tikv-4")).store;
  expect(await differences("38-offline-store/stores-before", "/stores")).toEqual([]);
  expect(await differences("38-offline-store/set-stores-limit", "/stores/limit", "POST", '{"rate":6000}')).toEqual([]);
  await ask("DELETE", `${url}/store/${id}`);
  expect(await differences("38-offline-store/store1-5s", `/store/${id}`)).toEqual([]);
  const state = async () => (await ask("GET", `${url}/store/${id}`)).text;
  await until("it's a tombstone", async () => (await state()).includes('"state_name": "Tombstone"'), 40_000);
  const after = {
    "offline-peer-5s": "/regions/check/offline-peer",
    "progress-removing-5s": "/stores/progress?action=removing",
    "progress-removing-20s": "/stores/progress?action=removing",
    "progress-id-20s": `/stores/progress?id=${id}`,
    "stores-tombstone": "/stores?state=2",
    "stores-after": "/stores",
  };
  for (const [name, path] of Object.entries(after))
    expect(await differences(`38-offline-store/${name}`, path), name).toEqual([]);
  expect(
    await differences("38-offline-store/tombstone-set-up-response", `/store/${id}/state?state=Up`, "POST"),
  ).toEqual([]);
  expect(await differences("38-offline-store/remove-tombstone", "/stores/remove-tombstone", "DELETE")).toEqual([]);
});

test("every recording of such a state has been compared", () => {
  expect(namesFor("states").filter((name) => !done.has(name))).toEqual([]);
});
