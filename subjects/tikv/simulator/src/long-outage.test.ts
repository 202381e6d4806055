import { expect, test } from "vitest";
import { z } from "zod";
import { ask, startCluster } from "./cluster.fixture.ts";
import { until } from "./until.fixture.ts";

// Ten minutes take 3 s here, half an hour 9 s.
const scale = 200;

test("a store that is dead for ten minutes has down peers, for half an hour it's Down; its metric goes from disconnected to unhealthy to down", async () => {
  await using cluster = await startCluster({ scale });
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
