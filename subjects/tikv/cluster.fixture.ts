import type { Json } from "@operator/contracts/json";
import type { Parts } from "@operator/evidence/case.fixture";
import type { Judgement } from "@operator/subject/invariant";
import { parseState } from "@operator/subject/state";
import { snapshotAt } from "@operator/evidence/case.fixture";
import { type State, state } from "./state.ts";

/** PD gives out ids of one sequence, so these aren't 1, 2, 3; the last one is past what a number holds. */
export const stores = ["store-1", "store-4", "store-9007199254740993"] as const;
export const [one, four, big] = stores;
export const members = ["pd-1", "pd-2", "pd-3"] as const;
export const regionCount = 30;
const gib = 1024 ** 3;

/** Fields of a reading that differ from those of a well cluster; `null`: there is no such field. */
export type Differing = Record<string, Json>;

/** What differs from a well cluster, by source and target; `null`: no such reading. */
export type World = Partial<Record<keyof State, Record<string, Differing | null | undefined>>>;

/** What the sources read of three PD members and three stores under load, all well but for what differs. */
export function partsAt(atMs: number, world: World = {}): Parts {
  const up = (port: number) => ({
    state: "up",
    sinceMs: atMs - 3_600_000,
    address: `127.0.0.1:${port}`,
    lastAnswerAtMs: atMs - 120,
    latencyMs: 0.8,
  });
  const store = (target: string, at: number) => ({
    id: target.replace("store-", ""),
    address: `127.0.0.1:${20160 + at}`,
    statusAddress: `127.0.0.1:${20180 + at}`,
    version: "8.5.5",
    state: "Up",
    nodeState: "Serving",
    lastHeartbeatMs: atMs - 4_000,
    startedAtMs: atMs - 3_600_000,
    capacityBytes: 100 * gib,
    availableBytes: 80 * gib,
    usedBytes: 10 * gib,
    leaderCount: 10,
    regionCount,
    slowScore: 1,
  });
  const scraped = {
    isScraped: true,
    leaders: 10,
    regions: regionCount,
    requestsPerS: 120,
    p99Ms: 6,
    diskSlowScore: 1,
    networkSlowScore: 1,
    appendLogP99Ms: 2,
    commitLogP99Ms: 5,
    applyLogP99Ms: 2,
    cpuCores: 0.4,
  };
  const well: Record<keyof State, Record<string, Differing>> = {
    probe: Object.fromEntries([
      ...stores.map((target, at) => [target, up(20180 + at)]),
      ...members.map((target, at) => [target, up(2379 + at)]),
    ]),
    members: {
      cluster: {
        clusterId: "7590124871234567890",
        leader: "pd-1",
        leaderSinceMs: atMs - 3_600_000,
        members: Object.fromEntries(
          members.map((target, at) => [
            target,
            { name: target, id: `${at + 1}`, url: `http://127.0.0.1:${2379 + at}` },
          ]),
        ),
        isListed: true,
        answers: Object.fromEntries(members.map((target) => [target, { leader: "pd-1" }])),
      },
    },
    stores: Object.fromEntries(stores.map((target, at) => [target, store(target, at)])),
    schedule: {
      cluster: {
        leaderScheduleLimit: 4,
        regionScheduleLimit: 2048,
        replicaScheduleLimit: 64,
        mergeScheduleLimit: 8,
        hotRegionScheduleLimit: 4,
        lowSpaceRatio: 0.8,
        highSpaceRatio: 0.7,
        haltScheduling: false,
        maxReplicas: 3,
        schedulers: ["balance-leader-scheduler", "balance-region-scheduler", "balance-hot-region-scheduler"],
        paused: [],
        evictLeader: [],
      },
    },
    operators: { cluster: { count: 0, running: [] } },
    hot: { cluster: { write: regions("written"), read: regions("read"), lately: [] } },
    prometheus: Object.fromEntries([
      ...stores.map((target) => [target, scraped]),
      ...members.map((target) => [target, { isScraped: true, hasEtcdLeader: true }]),
      [
        "cluster",
        {
          requestsPerS: 360,
          p99Ms: 6,
          regionHealth: { miss: 0, down: 0, pending: 0, offline: 0, extra: 0, learner: 0, empty: 0 },
          regionCount,
        },
      ],
    ]),
  };
  const parts: [string, [string, Differing][]][] = Object.entries(well).map(([source, readings]) => {
    const differs: Record<string, Differing | null | undefined> =
      Object.entries(world).find(([name]) => name === source)?.[1] ?? {};
    const targets = new Set([...Object.keys(readings), ...Object.keys(differs)]);
    return [
      source,
      [...targets].flatMap((target): [string, Differing][] =>
        differs[target] === null ? [] : [[target, withoutNulls({ ...readings[target], ...differs[target] })]],
      ),
    ];
  });
  return Object.fromEntries(parts.map(([source, readings]) => [source, Object.fromEntries(readings)]));
}

function withoutNulls(fields: Differing): Differing {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== null));
}

/** Eight regions of about the same traffic; the first ones with what is told. */
export function regions(did: "written" | "read", ...first: Differing[]): Differing[] {
  return Array.from({ length: 8 }, (_, at) => ({
    region: `region-${18 + 4 * at}`,
    leader: stores[at % 3] ?? one,
    stores: [...stores],
    writtenBytes: 0,
    writtenKeys: 0,
    readBytes: 0,
    readKeys: 0,
    sizeMiB: 96,
    [`${did}Keys`]: 600,
    [`${did}Bytes`]: 600_000,
    ...first[at],
  }));
}

/** When tests look at the cluster. */
export const nowMs = 1_800_000_000_000;

/** The state of a cluster in which this differs, as the room's schema reads it. */
export function stateOf(world: World = {}): State {
  const { state: read, misfits } = parseState(state, snapshotAt(nowMs, partsAt(nowMs, world)));
  if (misfits.length > 0) throw new Error(`the fixture doesn't fit state.ts: ${JSON.stringify(misfits)}`);
  return read;
}

/** e.g. `violated 60`, `ok up`, `unknown`. */
export function wordOf(judged: Judgement): string {
  return judged.verdict === "unknown" ? "unknown" : `${judged.verdict} ${judged.value ?? ""}`.trim();
}

/** How a member answers the probe that has been down for so long. */
export function down(how: "refused" | "silent", forMs = 5_000): Differing {
  const code = how === "refused" ? "ECONNREFUSED" : "TIMEOUT";
  return { state: how, code, sinceMs: nowMs - forMs, lastAnswerAtMs: nowMs - forMs - 200 };
}
