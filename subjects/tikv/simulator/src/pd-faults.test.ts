import { once } from "node:events";
import { readFileSync } from "node:fs";
import { Agent, get } from "node:http";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { afterAll, beforeAll, expect, test } from "vitest";
import { z } from "zod";
import { ask, type ClusterFixture, startCluster } from "./cluster.fixture.ts";
import { until } from "./until.fixture.ts";

// Ten times as fast as a real one: without a leader for 1.1 to 1.4 s after a kill.
const scale = 10;
let cluster: ClusterFixture;
beforeAll(async () => {
  cluster = await startCluster({ scale });
  await cluster.startAll();
});
afterAll(async () => await cluster[Symbol.asyncDispose]());

const Leader = z.object({ name: z.string() });
/** Who leads, as a member (by its number, from 1) says; undefined when it says none. */
const leaderBy = async (nth: number, withinMs = 400) =>
  await ask("GET", `${cluster.pds[nth - 1]?.url}/pd/api/v1/leader`, { withinMs }).then(
    ({ body }) => Leader.safeParse(body).data?.name,
    () => undefined,
  );
/** A question that the kernel has by the time this resolves, whether the process that it's for runs or not. */
async function sent(url: string, agent: Agent): Promise<{ answer: Promise<string> }> {
  const asked = get(url, { agent, timeout: 5_000 });
  const answer = once(asked, "response").then(([response]) => text(response));
  await once(asked, "finish");
  return { answer };
}
const leader = async () => {
  let name: string | undefined;
  await until("PD has a leader", async () => (name = await leaderBy(1)) !== undefined);
  return name ?? "";
};
const numberOf = (name: string) => cluster.pds.findIndex((pd) => pd.name === name) + 1;
const othersOf = (name: string) => cluster.pds.filter((pd) => pd.name !== name).map((pd) => numberOf(pd.name));
const states = async (nth: number) => (await cluster.storesNow(nth)).map(({ store }) => store.state_name);
const metric = async (nth: number, name: string) => {
  const { text } = await ask("GET", `${cluster.pds[nth - 1]?.url}/metrics`);
  const lines = text.split("\n").filter((line) => line.startsWith(name));
  return lines.map((line) => Number(line.split(" ").at(-1)));
};
const untilUp = async (nth: number) =>
  await until(
    "all stores are up",
    async () => (await states(nth).catch(() => [])).filter((state) => state === "Up").length === 3,
  );

test("ids are uint64, written exactly, and the same everywhere", async () => {
  const [cluster1, members, stores] = await Promise.all(
    ["/cluster", "/members", "/stores"].map((path) => cluster.pd(path)),
  );
  const id = /"id": (\d+)/.exec(cluster1?.text ?? "")?.[1] ?? "";
  expect(BigInt(id)).toBeGreaterThan(2n ** 53n);
  expect(members?.text).toContain(`"cluster_id": ${id}\n`);
  // As it was drawn, to its last digit.
  const kept = () => readFileSync(join(cluster.folder, "pd-1", "pd", "keys.json"), "utf8");
  await until("it's kept", () => kept().includes(`"cluster-id":"${id}"`), 5_000);
  const ids = [...(members?.text ?? "").matchAll(/"member_id": (\d+)/g)].map(([, id = ""]) => BigInt(id));
  for (const memberId of ids) expect(memberId).toBeGreaterThan(2n ** 53n);
  expect([...(stores?.text ?? "").matchAll(/"id": (\d+)/g)].map(([, id]) => Number(id)).sort((a, b) => a - b)).toEqual([
    1, 4, 5,
  ]);
});

test("a follower doesn't pass on what was passed on to it, and has no word of its own on the stores", async () => {
  const [follower = 1] = othersOf(await leader());
  const asked = async (header: string) => {
    const answer = await ask("GET", `${cluster.pds[follower - 1]?.url}/pd/api/v1/stores`, {
      headers: { [header]: "x" },
    });
    return [answer.status, answer.type.split(";")[0], answer.text];
  };
  expect(await asked("PD-Redirector")).toEqual([
    500,
    "text/plain",
    "[PD:apiutil:ErrRedirectToNotLeader]redirect to not leader\n",
  ]);
  const notBootstrapped = "[PD:cluster:ErrNotBootstrapped]TiKV cluster not bootstrapped, please start TiKV first";
  expect(await asked("PD-Allow-follower-handle")).toEqual([500, "application/json", `"${notBootstrapped}"\n`]);
});

test("a successor that has just died takes nothing over: the leader goes on serving, and can resign to another", async () => {
  const old = await leader();
  const [a = 1, b = 2] = othersOf(old);
  const url = `${cluster.pds[a - 1]?.url}/pd/api/v1`;
  const dead = cluster.pds[b - 1]?.name ?? "";
  await cluster.member(dead).kill();
  // So early that the leader takes it for alive.
  const refused = await ask("POST", `${url}/leader/transfer/${dead}`);
  expect([refused.status, refused.text]).toEqual([500, '"no valid pd to transfer etcd leader"\n']);
  expect(await leaderBy(a)).toBe(old);
  await until("it resigns", async () => (await ask("POST", `${url}/leader/resign`)).status === 200);
  await until("another leads", async () => (await leaderBy(a)) === cluster.pds[a - 1]?.name);
  cluster.start(dead);
  await until("it follows", async () => (await leaderBy(b)) !== undefined);
});

test("its leader killed: no API for a while, then every store Disconnected at first, regions without leaders, and nothing lost", async () => {
  const old = await leader();
  const [a = 1, b = 2] = othersOf(old);
  const url = cluster.pds[a - 1]?.url;
  await ask("POST", `${url}/pd/api/v1/config`, { body: '{"leader-schedule-limit":7}' });
  const evicted = (await cluster.storesNow(a))[0]?.store.id;
  await ask("POST", `${url}/pd/api/v1/schedulers`, { body: `{"name":"evict-leader-scheduler","store_id":${evicted}}` });
  await ask("POST", `${url}/pd/api/v1/schedulers/balance-region-scheduler`, { body: '{"delay":600}' });
  // What PD wrote of the stores' heartbeats is older than 20 s of a real one by now.
  await new Promise((resolve) => setTimeout(resolve, 2_500));

  const killedMs = performance.now();
  await cluster.member(old).kill();
  const gone = await ask("GET", `${url}/pd/api/v1/stores`);
  expect([gone.status, gone.type, gone.text]).toEqual([
    500,
    "text/plain; charset=utf-8",
    "[PD:apiutil:ErrRedirect]redirect failed\n",
  ]);
  let first: string[] = [];
  await until("the API answers", async () => (first = await states(a).catch(() => [])).length > 0);
  expect(performance.now() - killedMs).toBeGreaterThan(1_100 - 200);
  expect(first).toEqual(["Disconnected", "Disconnected", "Disconnected"]);
  expect((await cluster.pd("/schedulers", a)).text).toBe("[]\n");
  expect((await cluster.pd("/regions", a)).text).toContain('"leader":{"role_name":""}');
  await untilUp(a);

  expect((await cluster.pd("/config/schedule", a)).text).toContain('"leader-schedule-limit": 7');
  await until("the schedulers are back", async () =>
    (await cluster.pd("/schedulers", a)).text.includes("evict-leader-scheduler"),
  );
  expect((await cluster.pd("/schedulers?status=paused", b)).text, "a pause is lost with its leader").toBe("[]\n");
  await ask("DELETE", `${url}/pd/api/v1/schedulers/evict-leader-scheduler`);
  await ask("POST", `${url}/pd/api/v1/config`, { body: '{"leader-schedule-limit":4}' });
  cluster.start(old);
  await until("it follows", async () => (await leaderBy(numberOf(old))) !== undefined);
});

test("its leader paused: requests through others hang, then another leads; woken, it still says that it leads", async () => {
  const old = await leader();
  const [a = 1] = othersOf(old);
  const member = cluster.member(old);
  const url = `${cluster.pds[numberOf(old) - 1]?.url}/pd/api/v1/leader`;
  // A connection that is there already: a new one would be accepted a moment after it woke.
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  await (
    await sent(url, agent)
  ).answer;
  member.signal("SIGSTOP");
  // Waits in the kernel until it wakes, before any word of another leader, and is answered first.
  const asked = await sent(url, agent);
  try {
    // On a machine that is slow enough another one leads by now.
    expect(await leaderBy(a, 300), "it hangs").not.toBe(old);
    await until("another leads", async () => ![undefined, old].includes(await leaderBy(a)));
    member.signal("SIGCONT");
    expect(Leader.parse(JSON.parse(await asked.answer)).name).toBe(old);
    expect(await leaderBy(a)).not.toBe(old);
    await until("it has noticed", async () => ![undefined, old].includes(await leaderBy(numberOf(old))));
  } finally {
    member.signal("SIGCONT");
    agent.destroy();
  }
  await untilUp(a);
});

test("two of three dead: the survivor answers its ping and believes in the dead leader, until both are back", async () => {
  const old = await leader();
  const [a = 1, b = 2] = othersOf(old);
  await cluster.member(old).kill();
  await cluster.member(cluster.pds[b - 1]?.name ?? "").kill();
  expect((await cluster.pd("/ping", a)).status).toBe(200);
  await until("it has no leader", async () => (await metric(a, "etcd_server_has_leader"))[0] === 0);
  expect((await cluster.pd("/leader", a)).text).toBe("[PD:apiutil:ErrRedirect]redirect failed\n");
  const health = z
    .array(z.object({ name: z.string(), health: z.boolean() }))
    .parse((await cluster.pd("/health", a)).body);
  expect(health.filter(({ health }) => health).map(({ name }) => name)).toEqual([cluster.pds[a - 1]?.name]);

  cluster.start(old);
  cluster.start(cluster.pds[b - 1]?.name ?? "");
  await untilUp(a);
  expect((await cluster.pd("/regions/count", a)).text).toContain('"count": 30');
});

test("a member that never knew a leader isn't started; one that lost its followers finds nobody who leads, after 3 s", async () => {
  await using other = await startCluster({ scale: 3, stores: 0 });
  other.start("pd-1");
  await until(
    "it listens",
    async () =>
      await other.pd("/ping").then(
        () => true,
        () => false,
      ),
  );
  const alone = await other.pd("/stores");
  expect([alone.status, alone.text]).toEqual([500, "[PD:server:ErrServerNotStarted]server not started\n"]);
  other.start("pd-2");
  other.start("pd-3");
  let nth = 0;
  await until("one leads", async () => {
    const name = Leader.safeParse((await other.pd("/leader")).body).data?.name;
    nth = other.pds.findIndex((pd) => pd.name === name) + 1;
    return nth > 0;
  });
  for (const { name } of other.pds) if (name !== `pd-${nth}`) await other.member(name).kill();
  await until("it leads no longer", async () => (await other.pd("/leader", nth)).status !== 200);
  const askedMs = performance.now();
  const answered = await other.pd("/stores", nth);
  expect([answered.status, answered.text]).toEqual([503, "[PD:apiutil:ErrRedirectNoLeader]redirect finds no leader\n"]);
  expect((performance.now() - askedMs) * 3).toBeGreaterThan(2_900);
});

test("followers export zeros of what only the leader knows, and nothing of the stores", async () => {
  const name = await leader();
  const [follower = 1] = othersOf(name);
  await until("the leader has collected", async () => (await metric(numberOf(name), "pd_cluster_status")).length > 0);
  expect(await metric(follower, "pd_cluster_status")).toEqual([]);
  expect(await metric(follower, "pd_regions_status")).toEqual(Array.from({ length: 10 }, () => 0));
  expect([await metric(numberOf(name), "service_member_role"), await metric(follower, "service_member_role")]).toEqual([
    [1],
    [0],
  ]);
});

test("a leader that resigns costs a third of a second; whoever follows a dead one waits for its lease: 11 to 13.5 s in all", async () => {
  // So fast that the wait is still longer than any election.
  const scale = 4;
  await using other = await startCluster({ scale, stores: 0 });
  for (const { name } of other.pds) other.start(name);
  const names = async (nth: number) => {
    const answer = await other.pd("/members", nth).catch(() => undefined);
    return z.object({ leader: Leader, members: z.array(Leader) }).safeParse(answer?.body).data;
  };
  await until("all members are known", async () => (await names(1))?.members.length === 3);
  /** How long nobody else leads, once `old` no longer does. */
  const untilAnother = async (old: string) =>
    await until(
      "another leads",
      async () => ![undefined, old].includes((await names(old === "pd-1" ? 2 : 1))?.leader.name),
    );
  const resigned = (await names(1))?.leader.name ?? "";
  expect((await ask("POST", `${other.pds[0]?.url}/pd/api/v1/leader/resign`)).status).toBe(200);
  // Far less than a dead leader's lease, on a busy machine too.
  expect((await untilAnother(resigned)) * scale).toBeLessThan(8_000);

  const old = (await names(1))?.leader.name ?? "";
  const killedMs = performance.now();
  await other.member(old).kill();
  await untilAnother(old);
  const tookMs = performance.now() - killedMs;
  expect(tookMs).toBeGreaterThan(11_000 / scale - 250);
  expect(tookMs).toBeLessThan(13_500 / scale + 4_000);
});
