import { expect, test } from "vitest";
import { z } from "zod";
import { ask, startCluster } from "./cluster.fixture.ts";
import { until } from "./until.fixture.ts";

test("a process hosts many stores, each with its own ports, id and regions; killed, they're all gone", async () => {
  await using cluster = await startCluster({ scale: 10, stores: 60, storesPerProcess: 20, regions: 120 });
  await cluster.startAll();
  const stores = await cluster.storesNow();
  expect(new Set(stores.map(({ store }) => store.id)).size).toBe(60);
  expect(stores.every(({ status }) => status.leader_count === 2 && status.region_count === 6)).toBe(true);
  const Told = z.object({ storeId: z.int() });
  const told = await Promise.all(
    cluster.tikvs.map(async ({ status }) => Told.parse((await ask("GET", `http://${status}/simulator`)).body).storeId),
  );
  expect(told.toSorted((a, b) => a - b)).toEqual(stores.map(({ store }) => store.id).toSorted((a, b) => a - b));

  await cluster.member("tikv-3").kill();
  const goneAddresses = new Set(cluster.tikvs.slice(40).map(({ address }) => address));
  await until("PD says Disconnected of all of them, and of no other", async () =>
    (await cluster.storesNow()).every(
      ({ store }) => (store.state_name === "Disconnected") === goneAddresses.has(store.address),
    ),
  );
});
