import type { Reading, Source } from "@operator/subject/observation";
import type { KnownStores } from "./known-stores.ts";
import type { PdClient } from "./pd-client.ts";
import { type PdStore, PdStores, storesPath } from "./pd-stores.ts";
import type { StoreReading } from "./state.ts";
import { StoreBlame } from "./store-blame.ts";
import { storeIdOf, storeList, storeTarget } from "./targets.ts";

/** PD forgets tombstones at once when it's told to; who wants to see that a store was one has so long. */
const forgottenMs = 60_000;
const nodeStates = ["Preparing", "Serving", "Removing", "Removed"];

/** What PD says of every store, in one request. What is listed is taken in by `known`. */
export function storesSource(pd: PdClient, known: KnownStores, nowMs = Date.now): Source {
  const blame = new StoreBlame();
  const last = new Map<string, { reading: StoreReading; atMs: number }>();

  return {
    name: "stores",
    rhythmMs: 1_000,
    timeoutMs: 950,
    // Before PD could be asked no store is known: then it's their list that isn't read.
    targets: () => (known.isListed ? [...known.listed().keys()] : [storeList]),
    // A store that stops in order has given its leaders away, or is leaving: PD may know since less than a second ago.
    tellsWhy: (target) => storeIdOf(target) !== undefined,
    read: async (signal) => {
      const { stores } = await pd.get(storesPath, PdStores, signal);
      const atMs = nowMs();
      const watched = known.learn(stores ?? []);
      const blamed = blame.learn(watched, atMs);
      const readings: Record<string, Reading> = { [storeList]: { left: true } };
      for (const one of watched) {
        const target = storeTarget(one.store.id);
        const reading = readingOf(one, blamed.get(target));
        last.set(target, { reading, atMs });
        readings[target] = { value: reading };
      }
      for (const target of known.departed()) {
        const before = last.get(target);
        if (!before || atMs - before.atMs > forgottenMs) {
          last.delete(target);
          readings[target] = { left: true };
        } else {
          const reading: StoreReading = { ...before.reading, state: "Tombstone", nodeState: "Removed" };
          readings[target] = { value: reading };
        }
      }
      return readings;
    },
  };
}

export function readingOf(
  { store, status }: PdStore,
  blame?: Pick<StoreReading, "blamedBy" | "blamerCount">,
): StoreReading {
  const { version, status_address, start_timestamp, last_heartbeat, node_state } = store;
  // A store that was just added has no heartbeat, and a size of 0 that isn't its own.
  const sizes = {
    ...(status.capacity !== undefined && { capacityBytes: status.capacity }),
    ...(status.available !== undefined && { availableBytes: status.available }),
    ...(status.used_size !== undefined && { usedBytes: status.used_size }),
  };
  const nodeState = nodeStates[node_state ?? -1];
  return {
    id: store.id,
    address: store.address,
    ...(status_address && { statusAddress: status_address }),
    ...(version && { version }),
    state: store.state_name,
    ...(nodeState !== undefined && { nodeState }),
    ...(last_heartbeat !== undefined && { lastHeartbeatMs: last_heartbeat }),
    ...(start_timestamp && { startedAtMs: start_timestamp * 1_000 }),
    ...(status.capacity !== 0 && sizes),
    leaderCount: status.leader_count,
    regionCount: status.region_count,
    pendingPeerCount: status.pending_peer_count,
    ...(status.slow_score !== undefined && { slowScore: status.slow_score }),
    isBusy: status.is_busy ?? false,
    ...blame,
  };
}
