import { expect, test } from "vitest";
import { z } from "zod";
import { ask, startCluster } from "./cluster.fixture.ts";
import { until } from "./until.fixture.ts";

test("a store that is dead for ten minutes has down peers, for half an hour it's Down; its metric goes from disconnected to unhealthy to down", async () => {
  // Ten minutes take 3 s here, half an hour 9 s.
  await using cluster = await startCluster({ scale: 200 });
  await cluster.startAll();
  const count = async (check: string) =>
    z.object({ count: z.int() }).parse((await cluster.pd(`/regions/check/${check}`)).body).count;
  const state = async () => (await cluster.storeOf("tikv-1")).store.state_name;
  const { id } = (await cluster.storeOf("tikv-1")).store;
  /** The one of the metric's types that counts the store. */
  const counted = async () => {
    const texts = await Promise.all(cluster.pds.map(async ({ url }) => (await ask("GET", `${url}/metrics`)).text));
    return [...texts.join("\n").matchAll(/store="(\d+)",type="store_(disconnected|unhealth|down|up|slow)_count"\} 1/g)]
      .filter(([, store]) => store === String(id))
      .map(([, , type]) => type);
  };

  await cluster.member("tikv-1").kill();
  await until("it's disconnected", async () => (await state()) === "Disconnected");
  expect(await count("down-peer")).toBe(0);
  await until("its peers are down", async () => (await count("down-peer")) === 30);
  expect(await state(), "PD's name for it stays").toBe("Disconnected");
  await until(
    "the metric calls it unhealthy, and no longer disconnected",
    async () => (await counted()).join() === "unhealth",
  );
  await until("it's down", async () => (await state()) === "Down");
  await until("the metric says so", async () => (await counted()).join() === "down");
  expect(await count("miss-peer")).toBe(0);
  const { text } = await cluster.pd("/regions/check/down-peer");
  expect(text).toMatch(
    /"down_peers":\[\{"peer":\{"role_name":"Voter","id":\d+,"store_id":\d+\},"down_seconds":\d+\}\]/,
  );
});

test("a region that is made hot leads the write flow at its next heartbeat, and the hot list only minutes later", async () => {
  // A minute takes 1.5 s here.
  await using cluster = await startCluster({ scale: 40, withWorkload: true });
  await cluster.startAll();
  const url = `${cluster.pds[0]?.url}/pd/api/v1`;
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
  expect(await hot()).not.toContain('"region_id"');
  await until("it's listed as hot", async () => (await hot()).includes(`"region_id": ${regionId}`), 40_000);
  await ask("DELETE", control);
  expect((await ask("GET", `${cluster.workloadUrl}/workload`)).text).not.toContain("hot");
});
