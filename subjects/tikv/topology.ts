import type { Topology, TopologyTarget } from "@operator/subject/topology";
import { hotRegionsOf } from "./invariant-hot-region.ts";
import { storesOf } from "./invariant-pd-word.ts";
import type { State } from "./state.ts";
import { cluster, storeIdOf } from "./targets.ts";
import { explanations } from "./topology-explanations.ts";

/** The cluster is its stores and PD; stores are placed by PD; a region is led by a store. */
export const topology: Topology<State> = {
  targets: (state) => {
    const members = membersOf(state);
    const stores = storesIn(state);
    return [
      { name: cluster, kind: "cluster", dependsOn: [...members, ...stores] },
      ...members.map((name) => ({ name, kind: "pd", dependsOn: [] })),
      ...stores.map((name) => ({ name, kind: "store", dependsOn: members })),
      ...regionsIn(state, stores),
    ];
  },
  explanations,
};

/** PD's own list, where it was read: who was removed from it is no part of it any more. */
function membersOf({ probe, members }: State): string[] {
  const reading = members?.[cluster];
  const listed = Object.keys(reading?.members ?? {});
  const probed = Object.keys(probe ?? {}).filter((target) => storeIdOf(target) === undefined);
  return reading?.isListed === true ? listed : [...new Set([...listed, ...probed])];
}

/** Tombstones are no part of it any more. */
function storesIn(state: State): string[] {
  const listed = storesOf(state).map(([store]) => store);
  const probed = Object.keys(state.probe ?? {}).filter((target) => storeIdOf(target) !== undefined);
  return [...new Set([...listed, ...probed])].filter((store) => listed.includes(store) || !state.stores?.[store]);
}

function regionsIn({ hot }: State, stores: readonly string[]): TopologyTarget[] {
  const reading = hot?.[cluster];
  if (!reading) return [];
  const listed = [...reading.write, ...reading.read];
  return [...new Set([...hotRegionsOf(reading), ...reading.lately])].map((name) => {
    const region = listed.find(({ region }) => region === name);
    const holders = [...(region?.leader === undefined ? [] : [region.leader]), ...(region?.stores ?? [])];
    return { name, kind: "region", dependsOn: [...new Set(holders)].filter((store) => stores.includes(store)) };
  });
}
