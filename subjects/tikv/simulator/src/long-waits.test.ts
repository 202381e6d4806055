import { expect, test } from "vitest";
import { z } from "zod";
import { type Answered, ask, startCluster } from "./cluster.fixture.ts";
import { unlikeText } from "./likeness.fixture.ts";
import { namesFor, readText } from "./recording.fixture.ts";
import { until } from "./until.fixture.ts";

const done = new Set<string>();
/** In what an answer is unlike the recording. */
function differences(name: string, { text }: Answered): string[] {
  done.add(name);
  // What one store said of another hours before had stayed with PD.
  return unlikeText(readText(name).replace(/"network_slow_score": \{[^}]*\},/, ""), text);
}

test("a store that is dead for ten minutes has down peers, for half an hour it's Down; its metric goes from disconnected to unhealthy to down", async () => {
  // Ten minutes take 3 s here, half an hour 9 s.
  const scale = 200;
  await using cluster = await startCluster({ scale });
  await cluster.startAll();
  const count = async (check: string) =>
    z.object({ count: z.int() }).parse((await cluster.pd(`/regions/check/${check}`)).body).count;
  const state = async () => {
    const { state, allowed } = await cluster.stateOf("tikv-1");
    expect(allowed, "20 s and 30 min after its last heartbeat, no sooner and no later").toContain(state);
    return state;
  };
  const { id } = (await cluster.storeOf("tikv-1")).store;
  /** The one of the metric's types that counts the store. */
  const counted = async () => {
    const texts = await Promise.all(cluster.pds.map(async ({ url }) => (await ask("GET", `${url}/metrics`)).text));
    return [...texts.join("\n").matchAll(/store="(\d+)",type="store_(disconnected|unhealth|down|up|slow)_count"\} 1/g)]
      .filter(([, store]) => store === String(id))
      .map(([, , type]) => type);
  };

  await until("it's serving", async () => (await cluster.storeOf("tikv-1")).store["node_state"] === 1);
  await cluster.member("tikv-1").kill();
  const killedMs = performance.now();
  const sinceS = () => ((performance.now() - killedMs) * scale) / 1_000;
  await until("it's disconnected", async () => (await state()) === "Disconnected");
  expect(await count("down-peer")).toBe(0);
  await until("one of its peers is down", async () => (await count("down-peer")) > 0);
  // Its peers heard of it last in the second before; here that's a tenth of one.
  expect(sinceS()).toBeGreaterThan(600 - 25);
  await until("all of its peers are", async () => (await count("down-peer")) === 30);
  // A minute later at most, by the heartbeats of their regions; a second of this machine's is 200.
  expect(sinceS()).toBeLessThan(700 + 200);
  expect(await state(), "PD's name for it stays").toBe("Disconnected");
  expect(differences("40-down-10min/down-peer-660s", await cluster.pd("/regions/check/down-peer"))).toEqual([]);
  expect(differences("40-down-10min/stores-660s", await cluster.pd("/stores"))).toEqual([]);
  expect(differences("40-down-10min/operators-660s", await cluster.pd("/operators"))).toEqual([]);
  await until(
    "the metric calls it unhealthy, and no longer disconnected",
    async () => (await counted()).join() === "unhealth",
  );
  await until("it's down", async () => (await state()) === "Down");
  await until("the metric says so", async () => (await counted()).join() === "down");
  expect(await count("miss-peer")).toBe(0);
});

test("a region that is made hot leads the write flow at its next heartbeat, and the hot list only minutes later; its stores write alike", async () => {
  // A minute takes 1.5 s here.
  await using cluster = await startCluster({ scale: 40, withWorkload: true });
  await cluster.startAll();
  const url = `${cluster.pds[0]?.url}/pd/api/v1`;
  const used = async () =>
    await Promise.all(
      cluster.tikvs.map(async ({ status }) => {
        const { text } = await ask("GET", `http://${status}/metrics`);
        return Number(/^tikv_store_size_bytes\{type="used"\} (\d+)/m.exec(text)?.[1]);
      }),
    );
  const before = await used();
  const control = `${cluster.workloadUrl}/workload/hot`;
  let regionId = "";
  await until("the workload knows a region to heat", async () => {
    const { body } = await ask("PUT", control, { body: '{"putsPerS":2000,"ttlMs":60000}' });
    regionId = z.object({ regionId: z.string() }).safeParse(body).data?.regionId ?? "";
    return regionId !== "";
  });
  const flow = async () => (await ask("GET", `${url}/regions/writeflow?limit=1`)).text;
  const hot = async () => (await ask("GET", `${url}/hotspot/regions/write`)).text;
  await until("it leads the flow", async () => (await flow()).includes(`"regions":[{"id":${regionId},`));
  const writeRates = async () =>
    Object.values(
      z
        .object({ "bytes-write-rate": z.record(z.string(), z.number()) })
        .parse((await cluster.pd("/hotspot/stores")).body)["bytes-write-rate"],
    );
  await until("followers write what their leader does", async () => {
    const rates = await writeRates();
    return Math.min(...rates) > 1_000_000 && Math.max(...rates) < 1.5 * Math.min(...rates);
  });
  expect(differences("30-hot-write/writeflow-75s", await cluster.pd("/regions/writeflow?limit=3"))).toEqual([]);
  expect(differences("30-hot-write/hotspot-stores-75s", await cluster.pd("/hotspot/stores"))).toEqual([]);
  expect(differences("30-hot-write/hotspot-write-75s", await cluster.pd("/hotspot/regions/write"))).toEqual([]);
  await until("it's listed as hot", async () => (await hot()).includes(`"region_id": ${regionId}`), 40_000);
  expect(differences("40-down-10min/hotspot-write-200s", await cluster.pd("/hotspot/regions/write"))).toEqual([]);
  const grown = (await used()).map((bytes, at) => bytes - (before[at] ?? 0));
  expect(Math.max(...grown), "followers grow as their leader does").toBeLessThan(1.5 * Math.min(...grown));
  await ask("DELETE", control);
  expect((await ask("GET", `${cluster.workloadUrl}/workload`)).text).not.toContain("hot");
});

test("every recording of such a wait has been compared", () => {
  expect(namesFor("longWaits").filter((name) => !done.has(name))).toEqual([]);
});
