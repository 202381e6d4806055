import { parseId, pdInputError, pdJson, readObject } from "./pd-answer.ts";
import type { Cluster, Store } from "./pd-cluster.ts";
import type { Coordinator } from "./pd-coordinator.ts";
import type { Log } from "./log.ts";
import { countsOf, noCounts, storeAnswer } from "./pd-store-answer.ts";
import type { Answer, Asked, Routes } from "./server.ts";

/** `/stores…` and `/store/…`. */
export function storeRoutes(coordinator: Coordinator, log: Log): Routes {
  const { cluster } = coordinator;
  const list = (wanted: (store: Store) => boolean): Answer => {
    const counts = countsOf(cluster);
    const stores = [...cluster.stores.values()].filter(wanted);
    return pdJson({
      count: stores.length,
      stores: stores.map((store) => storeAnswer(cluster, store, counts.get(store.meta.id) ?? noCounts())),
    });
  };
  const withStore = async (asked: Asked, missing: number, then: (store: Store) => Answer | Promise<Answer>) => {
    const parsed = parseId(asked.params["id"] ?? "");
    if ("error" in parsed) return pdInputError(parsed.error);
    const store = cluster.stores.get(parsed.id);
    return store === undefined
      ? pdJson(`[PD:core:ErrStoreNotFound]store ${asked.params["id"]} not found`, missing)
      : await then(store);
  };

  return {
    "GET /pd/api/v1/stores": ({ query }) => {
      const states = query.getAll("state");
      const numbers = { Up: "0", Offline: "1", Tombstone: "2" };
      return list(({ meta }) =>
        states.length === 0 ? meta.state !== "Tombstone" : states.includes(numbers[meta.state]),
      );
    },
    "GET /pd/api/v1/stores/check": ({ query }) => {
      const wanted = query.getAll("state").map((state) => state.toLowerCase());
      return list((store) => wanted.includes(cluster.stateName(store).toLowerCase()));
    },
    "GET /pd/api/v1/stores/limit": () =>
      pdJson(
        Object.fromEntries(
          [...cluster.stores.values()].map(({ meta }) => [
            meta.id,
            { "add-peer": meta.addPeerPerMinute, "remove-peer": meta.removePeerPerMinute },
          ]),
        ),
      ),
    "POST /pd/api/v1/stores/limit": async ({ body }) => {
      const read = limitOf(body);
      if ("complaint" in read) return read.complaint;
      const stores = [...cluster.stores.values()];
      for (const store of stores) setLimit(store, read);
      await cluster.saveStores(stores);
      return pdJson("Set store limit successfully.");
    },
    "GET /pd/api/v1/stores/progress": ({ query }) => {
      const id = query.get("id");
      const which = id === null ? `action: ${query.get("action") ?? ""}` : `given store ID: ${id}`;
      return pdJson(`[PD:progress:ErrProgressNotFound]no progress found for the ${which}`, 404);
    },
    "DELETE /pd/api/v1/stores/remove-tombstone": async () => {
      for (const { meta } of Array.from(cluster.stores.values())) {
        if (meta.state !== "Tombstone") continue;
        cluster.stores.delete(meta.id);
        await cluster.write([{ key: `store/${meta.id}`, value: null }]);
      }
      return pdJson("Remove tombstone successfully.");
    },
    "GET /pd/api/v1/store/:id": async (asked) =>
      await withStore(asked, 404, (store) =>
        pdJson(storeAnswer(cluster, store, countsOf(cluster).get(store.meta.id) ?? noCounts())),
      ),
    "DELETE /pd/api/v1/store/:id": async (asked) =>
      await withStore(asked, 404, async (store) => {
        const refused = await leave(cluster, store, asked.query.has("force"), log);
        return refused ?? pdJson("The store is set as Offline.");
      }),
    "POST /pd/api/v1/store/:id/state": async (asked) =>
      await withStore(asked, 404, async (store) => {
        const state = asked.query.get("state") ?? "";
        if (state === "Offline")
          return (await leave(cluster, store, false, log)) ?? pdJson("The store's state is updated.");
        if (state !== "Up") return pdJson(`invalid state ${state}`, 400);
        if (store.meta.state === "Tombstone")
          return pdJson(`[PD:core:ErrStoreRemoved]store ${store.meta.id} has been removed`, 400);
        if (store.meta.isDestroyed)
          return pdJson(`[PD:core:ErrStoreDestroyed]store ${store.meta.id} has been physically destroyed`, 400);
        store.meta = { ...store.meta, state: "Up", nodeState: 1 };
        await cluster.saveStores([store]);
        return pdJson("The store's state is updated.");
      }),
    "POST /pd/api/v1/store/:id/weight": async (asked) => {
      const read = readObject(asked.body);
      if ("complaint" in read) return read.complaint;
      const { leader, region } = read.object;
      if (leader === undefined) return pdJson("leader weight unset", 400);
      if (region === undefined) return pdJson("region weight unset", 400);
      if (typeof leader !== "number" || leader < 0) return pdJson("bad format leader weight", 400);
      if (typeof region !== "number" || region < 0) return pdJson("bad format region weight", 400);
      return await withStore(asked, 500, async (store) => {
        store.meta = { ...store.meta, leaderWeight: leader, regionWeight: region };
        await cluster.saveStores([store]);
        return pdJson("The store's weight is updated.");
      });
    },
    "POST /pd/api/v1/store/:id/limit": async (asked) => {
      const read = limitOf(asked.body);
      if ("complaint" in read) return read.complaint;
      return await withStore(asked, 500, async (store) => {
        setLimit(store, read);
        await cluster.saveStores([store]);
        return pdJson("The store's limit is updated.");
      });
    },
  };
}

/** Decommissions it; or says why not. */
async function leave(cluster: Cluster, store: Store, isForced: boolean, log: Log): Promise<Answer | undefined> {
  const { meta } = store;
  if (meta.state === "Tombstone") return pdJson(`[PD:core:ErrStoreRemoved]store ${meta.id} has been removed`, 400);
  const isUp = ({ meta }: Store) => meta.state === "Up";
  const left = [...cluster.stores.values()].filter((other) => isUp(other) && other !== store).length;
  if (meta.state === "Up" && !isForced && left < cluster.maxReplicas) {
    const why = `can not remove store ${meta.id} since the number of up stores would be ${left} while need ${cluster.maxReplicas}`;
    return pdJson(`[PD:core:ErrStoresNotEnough]${why}`, 400);
  }
  store.meta = { ...meta, state: "Offline", nodeState: 2, isDestroyed: meta.isDestroyed || isForced };
  await cluster.saveStores([store]);
  log("WARN", "cluster.go:1665", "store has been offline", {
    "store-id": meta.id,
    "store-address": meta.address,
    "physically-destroyed": String(isForced),
  });
  return undefined;
}

function limitOf(body: string): { rate: number; type: unknown } | { complaint: Answer } {
  const read = readObject(body);
  if ("complaint" in read) return read;
  const { rate, type } = read.object;
  if (rate === undefined) return { complaint: pdJson("rate unset", 400) };
  if (typeof rate !== "number" || rate < 0)
    return { complaint: pdJson("invalid rate which should be larger than 0", 400) };
  if (type !== undefined && type !== "add-peer" && type !== "remove-peer")
    return { complaint: pdJson(`unknown type: ${JSON.stringify(type)}`, 400) };
  return { rate, type };
}

function setLimit(store: Store, { rate, type }: { rate: number; type: unknown }): void {
  store.meta = {
    ...store.meta,
    ...(type === "remove-peer" ? {} : { addPeerPerMinute: rate }),
    ...(type === "add-peer" ? {} : { removePeerPerMinute: rate }),
  };
}
