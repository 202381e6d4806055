import type { Action } from "@operator/subject/action";
import { actions } from "./actions.ts";
import type { State } from "./state.ts";

export const stores = ["store-1", "store-2", "store-7"];
export const pds = ["pd-1", "pd-2", "pd-3"];

/** A cluster that is well, `pd-2` leading for a minute; then what is told. */
export function stateWith(change: (state: Required<State>) => void = () => {}): State {
  const atMs = Date.now();
  const region = (id: number, leader: string) => ({
    region: `region-${id}`,
    leader,
    stores: [...stores],
    writtenBytes: 1_000,
    writtenKeys: 10,
    readBytes: 0,
    readKeys: 0,
    sizeMiB: 5,
  });
  const state: Required<State> = {
    probe: Object.fromEntries(
      [...stores, ...pds].map((target) => [target, { state: "up" as const, sinceMs: 0, address: `${target}:1` }]),
    ),
    members: {
      cluster: {
        leader: "pd-2",
        leaderSinceMs: atMs - 60_000,
        members: Object.fromEntries(pds.map((name) => [name, { name, url: `http://${name}:2379` }])),
        isListed: true,
        answers: Object.fromEntries(pds.map((name) => [name, { leader: "pd-2" }])),
      },
    },
    stores: Object.fromEntries(
      stores.map((store) => [
        store,
        { id: store.slice("store-".length), address: `${store}:20160`, state: "Up", leaderCount: 10, regionCount: 30 },
      ]),
    ),
    schedule: {
      cluster: {
        leaderScheduleLimit: 4,
        regionScheduleLimit: 2_048,
        replicaScheduleLimit: 64,
        lowSpaceRatio: 0.8,
        highSpaceRatio: 0.7,
        haltScheduling: false,
        maxReplicas: 3,
        schedulers: ["balance-region-scheduler", "balance-leader-scheduler"],
        paused: [],
        evictLeader: [],
      },
    },
    operators: { cluster: { count: 0, running: [] } },
    hot: { cluster: { write: [region(5, "store-1"), region(18, "store-7")], read: [], lately: [] } },
    prometheus: {},
  };
  change(state);
  return state;
}

/** As the actuator holds it: the schema first. */
export function ask(name: string, state: State, target: string, parameters: unknown) {
  const action: Action<State> | undefined = actions.find((one) => one.name === name);
  if (!action) throw new Error(`no action ${name}`);
  // The schema has parsed it, as the actuator has it.
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion
  return { action, given: { state, target, parameters: action.parameters.parse(parameters) as never } };
}
