import { connect } from "node:net";
import { afterAll, beforeAll, expect, test } from "vitest";
import { z } from "zod";
import { ask, type ClusterFixture, startCluster } from "./cluster.fixture.ts";
import { until } from "./until.fixture.ts";

// Ten times as fast as a real one: an election takes 1 to 2 s, a store is Disconnected 2 s after its last heartbeat.
const scale = 10;
let cluster: ClusterFixture;
beforeAll(async () => {
  cluster = await startCluster({ scale, withWorkload: true });
  await cluster.startAll();
  await untilServed();
});
afterAll(async () => await cluster[Symbol.asyncDispose]());

const Workload = z.object({ okPerS: z.number(), failedPerS: z.number() });
const workload = async () => Workload.parse((await ask("GET", `${cluster.workloadUrl}/workload`)).body);
const untilServed = async () =>
  await until("every region is served", async () => {
    const { okPerS, failedPerS } = await workload();
    return okPerS > 0 && failedPerS === 0;
  });
/** A sample of a store's own metrics; undefined while there's no such series. */
const sample = async (name: string, labels: string, tikv: string) => {
  const status = cluster.tikvs.find((known) => known.name === tikv)?.status;
  const { text } = await ask("GET", `http://${status}/metrics`);
  const line = text.split("\n").find((line) => line.startsWith(`${name}{`) && line.includes(labels));
  return line === undefined ? undefined : Number(line.split(" ").at(-1));
};
const checked = async (check: string) =>
  z.object({ count: z.int() }).parse((await cluster.pd(`/regions/check/${check}`)).body).count;
const leadersOf = async (tikv: string) => (await cluster.storeOf(tikv)).status.leader_count;
const stateOf = async (tikv: string) => (await cluster.storeOf(tikv)).store.state_name;
/** Back to three stores that are Up, lead, and serve everything. */
const untilWell = async () => {
  await until(
    "every store is up and leads",
    async () =>
      (await cluster.storesNow()).every(({ store, status }) => store.state_name === "Up" && status.leader_count > 4),
    60_000,
  );
  await untilServed();
};

test("a killed store: its regions are led elsewhere after an election, PD says Disconnected later, and it comes back as who it was", async () => {
  const before = await cluster.storeOf("tikv-1");
  expect(before.status.leader_count).toBeGreaterThan(4);
  await cluster.member("tikv-1").kill();
  const killedMs = performance.now();

  const failedMs = await until("clients fail", async () => (await workload()).failedPerS > 0);
  expect(await stateOf("tikv-1"), "PD knows nothing yet").toBe("Up");
  await until("its leaders are elsewhere", async () => (await leadersOf("tikv-1")) === 0);
  const movedMs = performance.now() - killedMs;
  expect(movedMs, "not before the first peer has waited for its leader").toBeGreaterThan(1_000 - 300);
  expect(movedMs).toBeLessThan(2_000 + 4_000);
  expect(failedMs).toBeLessThan(movedMs);
  await until("PD says Disconnected", async () => (await stateOf("tikv-1")) === "Disconnected");
  await untilServed();

  expect(await checked("pending-peer")).toBeGreaterThan(0);
  expect(await checked("miss-peer"), "a dead store's peers aren't missing").toBe(0);
  expect(await checked("down-peer"), "not before ten minutes").toBe(0);
  expect(await sample("tikv_raftstore_slow_score", 'type="network"', "tikv-2"), "refused isn't slow").toBe(1);
  const { id } = before.store;
  await until(
    "its peers count that they can't reach it",
    async () => ((await sample("tikv_server_report_failure_msg_total", `store_id="${id}"`, "tikv-2")) ?? 0) > 0,
  );

  cluster.start("tikv-1");
  await until(
    "it answers",
    async () => (await sample("tikv_raftstore_region_count", "region", "tikv-1").catch(() => 0)) === 30,
  );
  expect(await stateOf("tikv-1"), "PD hears of it only with its next heartbeat").toBe("Disconnected");
  await until("it is up", async () => (await stateOf("tikv-1")) === "Up");
  const back = await cluster.storeOf("tikv-1");
  expect(back.store.id).toBe(id);
  expect(back.status["is_busy"], "it catches up").toBe(true);
  await until("it has caught up", async () => (await cluster.storeOf("tikv-1")).status["is_busy"] === undefined);
  await until("no peer lags", async () => (await checked("pending-peer")) === 0);
  await untilWell();
});

test("a paused store: its port accepts, its peers find the network to it slow, and the score outlives the pause", async () => {
  const member = cluster.member("tikv-2");
  const [address = "", status = ""] = [cluster.tikvs[1]?.address, cluster.tikvs[1]?.status];
  member.signal("SIGSTOP");
  try {
    expect(await accepts(address)).toBe(true);
    await expect(ask("GET", `http://${status}/status`, { withinMs: 300 })).rejects.toThrow("timeout");
    await until(
      "its peers' network score rises",
      async () => ((await sample("tikv_raftstore_slow_score", 'type="network"', "tikv-1")) ?? 0) > 10,
    );
    await until("its leaders are elsewhere", async () => (await leadersOf("tikv-2")) === 0);
  } finally {
    member.signal("SIGCONT");
  }
  await until("it is up", async () => (await stateOf("tikv-2")) === "Up");
  expect(
    await sample("tikv_raftstore_slow_score", 'type="network"', "tikv-1"),
    "history, not the present",
  ).toBeGreaterThan(5);
  await until("each region has one leader", async () => {
    const counts = await Promise.all(
      ["tikv-1", "tikv-2", "tikv-3"].map((name) => sample("tikv_raftstore_region_count", "leader", name)),
    );
    return counts.reduce<number>((sum, count) => sum + (count ?? 0), 0) === 30;
  });
  await untilWell();
});

test("a store that PD hasn't taken yet takes no leaders: who led a region leads it still", async () => {
  await using other = await startCluster();
  other.start("tikv-1");
  const region = {
    id: 18,
    startKey: "",
    endKey: "",
    confVer: 5,
    version: 5,
    peers: [{ id: 19, store: 1, role: "Voter" }],
  };
  const body = JSON.stringify({ claim: { region, term: 6, leader: 1, sizeBytes: 0, keys: 0 } });
  let answered: unknown;
  await until("it listens", async () => {
    const url = `http://${other.tikvs[0]?.address}/simulator/hand-over`;
    answered = await ask("POST", url, { body }).then(
      ({ body }) => body,
      () => undefined,
    );
    return answered !== undefined;
  });
  expect(answered).toEqual({ isDone: false, reason: "not started" });
});

test("a store that is handed a region takes over its newest shape, which it may not have heard of", async () => {
  const Region = z.object({
    id: z.int(),
    start_key: z.string(),
    end_key: z.string(),
    epoch: z.object({ conf_ver: z.int(), version: z.int() }),
    peers: z.array(z.object({ id: z.int(), store_id: z.int() })),
    leader: z.object({ store_id: z.int() }),
  });
  const { regions } = z.object({ regions: z.array(Region) }).parse((await cluster.pd("/regions")).body);
  const [known = Region.parse({})] = regions;
  const to = known.peers.find(({ store_id }) => store_id !== known.leader.store_id)?.store_id;
  const region = {
    id: known.id,
    startKey: known.start_key,
    endKey: known.end_key,
    confVer: known.epoch.conf_ver,
    version: known.epoch.version + 1,
    peers: known.peers.map(({ id, store_id }) => ({ id, store: store_id, role: "Voter" })),
  };
  const address = (await cluster.storesNow()).find(({ store }) => store.id === to)?.store.address;
  const body = JSON.stringify({ claim: { region, term: 1_000, leader: to, sizeBytes: 0, keys: 0 } });
  expect((await ask("POST", `http://${address}/simulator/hand-over`, { body })).body).toEqual({ isDone: true });
  await until("PD hears of it", async () => {
    const { epoch, leader } = Region.parse((await cluster.pd(`/region/id/${known.id}`)).body);
    return leader.store_id === to && epoch.version === region.version;
  });
});

test("two stores killed: nothing is served, the survivor stops leading, and no check of PD's shows it", async () => {
  await cluster.member("tikv-2").kill();
  await cluster.member("tikv-3").kill();
  await until("nothing is served", async () => (await workload()).okPerS === 0);
  await until(
    "the survivor leads nothing",
    async () => (await sample("tikv_raftstore_region_count", "leader", "tikv-1")) === 0,
  );
  await until(
    "PD says Disconnected of both",
    async () => (await stateOf("tikv-2")) === "Disconnected" && (await stateOf("tikv-3")) === "Disconnected",
  );
  for (const check of ["miss-peer", "down-peer", "pending-peer", "offline-peer"])
    expect(await checked(check), check).toBe(0);
  expect(await leadersOf("tikv-2"), "PD shows the old leaders").toBeGreaterThan(0);

  cluster.start("tikv-2");
  cluster.start("tikv-3");
  await untilWell();
});

test("a store that is asked to end has its leaders moved first, so no client notices", async () => {
  const member = cluster.member("tikv-3");
  let failures = 0;
  member.signal("SIGTERM");
  await until("it has ended", async () => {
    failures = Math.max(failures, (await workload()).failedPerS);
    return !member.isRunning;
  });
  expect(failures).toBe(0);
  expect(member.output).toContain('["All leaders evicted, completing graceful shutdown"]');
  expect(await leadersOf("tikv-3"), "PD has heard of it from those who lead now").toBe(0);
  expect(await stateOf("tikv-3"), "PD takes it for up until it has missed heartbeats").toBe("Up");
  const { id } = (await cluster.storeOf("tikv-3")).store;
  await until("PD gives it leaders, gone as it is", async () =>
    new RegExp(`balance-leader-scheduler \\{transfer leader: store \\d+ to ${id}\\}`).test(
      (await cluster.pd("/operators")).text,
    ),
  );
  expect(await stateOf("tikv-3")).toBe("Up");
  cluster.start("tikv-3");
  await untilWell();
});

test("what is set on a status port holds, shows in PD and in metrics, and ends by itself", async () => {
  const status = `http://${cluster.tikvs[0]?.status}`;
  const set = async (name: string, body: object) =>
    await ask("PUT", `${status}/simulator/${name}`, { body: JSON.stringify(body) });
  expect((await set("disk", { usedPercent: 95, ttlMs: 5_000 })).status).toBe(200);
  expect((await set("slow", { score: 60, latencyMs: 400, ttlMs: 5_000 })).status).toBe(200);
  expect((await set("slow", { score: 600, latencyMs: 400, ttlMs: 5_000 })).status).toBe(400);
  expect((await set("nothing", {})).status).toBe(404);
  const [available = 0, capacity = 1] = await Promise.all(
    ["available", "capacity"].map((type) => sample("tikv_store_size_bytes", `"${type}"`, "tikv-1")),
  );
  expect(available / capacity).toBeCloseTo(0.05);
  await until("PD shows both", async () => {
    const { status } = await cluster.storeOf("tikv-1");
    return status["available"] === "5GiB" && status["slow_score"] === 60;
  });
  await until(
    "both end",
    async () =>
      (await ask("GET", `${status}/simulator`)).text ===
      `{"simulator":true,"storeId":${(await cluster.storeOf("tikv-1")).store.id}}`,
  );
  expect(await sample("tikv_raftstore_slow_score", 'type="raft"', "tikv-1")).toBe(1);
});

test("while PD has no leader, clients notice nothing", async () => {
  const Leader = z.object({ name: z.string() });
  const { name } = Leader.parse((await cluster.pd("/leader")).body);
  const nth = name === "pd-1" ? 2 : 1;
  await cluster.member(name).kill();
  let failures = 0;
  const withoutMs = await until("another leads", async () => {
    const { okPerS, failedPerS } = await workload();
    failures = Math.max(failures, okPerS === 0 ? 1 : failedPerS);
    const leader = Leader.safeParse((await cluster.pd("/leader", nth)).body).data;
    return leader !== undefined && leader.name !== name;
  });
  expect(withoutMs * scale).toBeGreaterThan(9_000);
  expect(failures).toBe(0);
  cluster.start(name);
  await until("it follows", async () => (await cluster.pd("/leader").catch(() => undefined))?.status === 200);
  await untilWell();
});

test("it says everywhere that it's a simulator", async () => {
  expect((await cluster.pd("/version")).text).toContain('"version": "v8.5.5-simulator"');
  expect((await cluster.pd("/members")).text).toContain('"binary_version": "v8.5.5-simulator"');
  expect((await cluster.storeOf("tikv-1")).store["version"]).toBe("8.5.5-simulator");
  for (const url of [`http://${cluster.tikvs[0]?.status}/simulator`, `${cluster.workloadUrl}/workload`])
    expect((await ask("GET", url)).body).toMatchObject({ simulator: true });
  for (const name of ["pd-1", "tikv-1", "load"])
    expect(cluster.member(name).output.split("\n")[0]).toMatch(/simulat(or|ed)/);
});

test("cut off from PD it serves as before, and PD says Disconnected", async () => {
  const status = `http://${cluster.tikvs[0]?.status}`;
  await ask("PUT", `${status}/simulator/pd-link`, { body: '{"cut":true,"ttlMs":60000}' });
  await until("PD says Disconnected", async () => {
    const { state, allowed } = await cluster.stateOf("tikv-1");
    expect(allowed, "20 s after its last heartbeat, no sooner and no later").toContain(state);
    return state === "Disconnected";
  });
  expect((await workload()).failedPerS).toBe(0);
  await ask("DELETE", `${status}/simulator/pd-link`);
  await until("it is up", async () => (await stateOf("tikv-1")) === "Up");
});

async function accepts(address: string): Promise<boolean> {
  const [host = "", port = ""] = address.split(":");
  return await new Promise((resolve) => {
    const socket = connect(Number(port), host);
    socket.once("connect", () => resolve(true));
    socket.once("error", () => resolve(false));
    socket.once("connect", () => socket.destroy());
  });
}
