import { decodeJson } from "./exact-json.ts";
import { json, type Routes } from "./server.ts";
import { isDisturbance } from "./tikv-disturbance.ts";
import type { Links } from "./tikv-links.ts";
import { tikvMetrics } from "./tikv-metrics.ts";
import { claimOf, votersOf } from "./tikv-peer.ts";
import type { Raft } from "./tikv-raft.ts";
import type { Store } from "./tikv-store.ts";
import {
  Claims,
  HandOver,
  Load,
  Nothing,
  PeerHeartbeat,
  type Replica,
  Replicas,
  StepForRegion,
  VoteRequest,
} from "./wire.ts";

/** The workload says it again every second. */
const loadHoldsMs = 3_000;

/** A store's status port. `/ready` isn't there in v8.5.5. */
export function statusRoutes(store: Store): Routes {
  const set = (name: string, body: string) => {
    if (!isDisturbance(name)) return json({ error: `"${name}" is none of disk, slow, pd-link`, simulator: true }, 404);
    const wrong = store.disturbances.set(name, parsed(body));
    return wrong === undefined
      ? json({ simulator: true, ...store.disturbances.on })
      : json({ error: wrong, simulator: true }, 400);
  };
  return {
    "GET /status": () => ({ status: 200 }),
    "GET /metrics": () => ({ status: 200, type: "text/plain; version=0.0.4", body: tikvMetrics(store) }),
    "GET /engine_type": () => ({ status: 200, type: "text/plain", body: "raft-kv" }),
    "GET /config": () => json(configOf(store)),
    "GET /region/:id": ({ params }) => {
      const peer = store.raft?.peers.get(Number(params["id"]));
      if (peer === undefined) return { status: 404, body: `region(${params["id"]}) not found` };
      const { id, startKey, endKey, confVer, version, peers } = peer.region;
      const role = peer.leader === store.id ? "Leader" : "Follower";
      return json({
        id,
        group: { id, raft_state: role, term: peer.term, leader_store_id: peer.leader ?? 0 },
        region_state: {
          state: "Normal",
          start_key: startKey,
          end_key: endKey,
          epoch: {
            conf_ver: confVer,
            version,
          },
          peers: peers.map(({ id, store, role }) => ({
            id,
            store_id: store,
            role,
          })),
        },
      });
    },
    "GET /simulator": () => json({ simulator: true, storeId: store.id, ...store.disturbances.on }),
    "PUT /simulator/:name": ({ params, body }) => set(params["name"] ?? "", body),
    "DELETE /simulator/:name": ({ params }) => {
      const { name = "" } = params;
      if (!isDisturbance(name))
        return json({ error: `"${name}" is none of disk, slow, pd-link`, simulator: true }, 404);
      store.disturbances.clear(name);
      return json({ simulator: true, ...store.disturbances.on });
    },
  };
}

/** What other processes ask of this one's stores, on the address port: PD, other TiKVs, the workload. */
export function peerRoutes(stores: Store[], links: Links, restarted: (process: string) => void): Routes {
  const raftOf = (id: number): Raft | undefined => stores.find((store) => store.id === id)?.raft;
  const rafts = () => stores.flatMap(({ raft }) => raft ?? []);
  return {
    "POST /simulator/peer": ({ body }) => {
      const { process, incarnation, wantsClaims } = PeerHeartbeat.parse(decodeJson(body));
      links.meet(process, incarnation, restarted);
      const isThere = (store: number) => links.processOf(store) === process;
      const claims = rafts().flatMap((raft) =>
        raft.led
          .filter(({ region }) => region.peers.some(({ store }) => isThere(store)))
          .map((peer) => claimOf(peer, raft.storeId)),
      );
      return json({ incarnation: links.incarnation, claims: wantsClaims ? claims : [] });
    },
    "POST /simulator/claims": ({ body }) => {
      for (const claim of Claims.parse(decodeJson(body)).claims) for (const raft of rafts()) raft.take(claim);
      return json({});
    },
    "POST /simulator/vote": ({ body }) => {
      const { region, term, candidate, voters } = VoteRequest.parse(decodeJson(body));
      return json({ granted: voters.filter((store) => raftOf(store)?.vote(region, term, candidate)) });
    },
    "POST /simulator/hand-over": ({ body }) => {
      const { claim } = HandOver.parse(decodeJson(body));
      const raft = raftOf(claim.leader);
      // It listens before PD has taken it: who led so far has to go on.
      const reason = raft === undefined ? "not started" : raft.receive(claim);
      return json(reason === undefined ? { isDone: true } : { isDone: false, reason });
    },
    "POST /simulator/step": async ({ body }) => {
      const { region, leader, step } = StepForRegion.parse(decodeJson(body));
      const store = stores.find(({ id }) => id === leader);
      // From behind a cut link nothing of PD arrives.
      if (store?.raft === undefined || store.disturbances.isPdLinkCut) return "drop";
      const reason = await store.raft.carryOut(region, step);
      return json(reason === undefined ? { isDone: true } : { isDone: false, reason });
    },
    "POST /simulator/load": ({ body }) => {
      const untilMs = Date.now() + loadHoldsMs;
      const notLeader = [];
      const replicated: Replica[] = [];
      for (const { region, leader, putsPerS, getsPerS, valueBytes } of Load.parse(decodeJson(body)).regions) {
        const peer = raftOf(leader)?.peers.get(region);
        // A leader without a majority can't answer either.
        const isServed =
          peer?.leader === leader &&
          votersOf(peer.region).filter((store) => links.isReachable(store)).length * 2 > votersOf(peer.region).length;
        if (peer !== undefined && isServed) {
          peer.load = { putsPerS, getsPerS, valueBytes, untilMs };
          for (const { store } of peer.region.peers)
            if (store !== leader) replicated.push({ region, store, putsPerS, valueBytes });
        } else
          notLeader.push({
            region,
            ...(peer?.leader === undefined || peer.leader === leader ? {} : { leader: peer.leader }),
          });
      }
      replicate(replicated);
      return json({ notLeader });
    },
    "POST /simulator/replicate": ({ body }) => {
      write(Replicas.parse(decodeJson(body)).replicas);
      return json({});
    },
  };

  /** What is put to a region is written by its followers too: here, or where they are, with one message per process. */
  function replicate(replicas: Replica[]): void {
    const byProcess = Map.groupBy(replicas, ({ store }) =>
      raftOf(store) === undefined ? links.processOf(store) : "here",
    );
    for (const [process, replicas] of byProcess) {
      const [first] = replicas;
      if (process === "here") write(replicas);
      else if (first !== undefined) void links.send(first.store, "replicate", { replicas }, Nothing);
    }
  }

  function write(replicas: Replica[]): void {
    const untilMs = Date.now() + loadHoldsMs;
    for (const { region, store, putsPerS, valueBytes } of replicas) {
      const peer = raftOf(store)?.peers.get(region);
      // By now it may lead: then it's told itself.
      if (peer !== undefined && peer.leader !== store) peer.load = { putsPerS, getsPerS: 0, valueBytes, untilMs };
    }
  }
}

function parsed(body: string): unknown {
  try {
    return decodeJson(body);
  } catch {
    return undefined;
  }
}

/** The few settings that say something about a simulated store. */
function configOf({ options }: Store) {
  return {
    "log-level": "info",
    server: {
      addr: options.address,
      "advertise-addr": options.address,
      "status-addr": options.statusAddress,
      "graceful-shutdown-timeout": "20s",
    },
    storage: { "data-dir": options.folder, "reserve-space": "5GiB", capacity: `${options.capacityBytes}B` },
    raftstore: {
      "raft-base-tick-interval": "1s",
      "raft-election-timeout-ticks": 10,
      "pd-heartbeat-tick-interval": "1m",
      "pd-store-heartbeat-tick-interval": "10s",
      "max-peer-down-duration": "10m",
      "hibernate-regions": true,
    },
  };
}
