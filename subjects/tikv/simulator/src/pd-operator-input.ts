import type { Cluster, Region } from "./pd-cluster.ts";
import { keyBetween } from "./pd-layout.ts";
import type { Wanted } from "./pd-operators.ts";
import type { Step } from "./wire.ts";

/** What a body of `POST /operators` asks for, or PD's error with its code. */
export async function readOperator(
  cluster: Cluster,
  body: Record<string, unknown>,
): Promise<{ wanted: Wanted } | { status: number; error: string }> {
  const { name } = body;
  if (typeof name !== "string" || name === "") return { status: 400, error: "missing operator name" };
  const read = reads[name];
  if (read === undefined) return { status: 400, error: "unknown operator" };
  const regionId = body["region_id"];
  if (regionId === undefined || regionId === null) return { status: 400, error: "missing region id" };
  const missing = read.missing.find(([key]) => body[key] === undefined);
  if (missing !== undefined) return { status: 400, error: missing[1] };
  const region = cluster.regions.get(Number(regionId));
  if (region === undefined)
    return { status: 500, error: `[PD:region:ErrRegionNotFound]region ${JSON.stringify(regionId)} not found` };
  const made = await read.make(cluster, region, body);
  return typeof made === "string" ? { status: 500, error: made } : { wanted: made };
}

interface Read {
  /** Keys that must be there, with what PD says without them. */
  missing: [key: string, error: string][];
  /** The operator, or why PD refuses with a 500. */
  make: (cluster: Cluster, region: Region, body: Record<string, unknown>) => Wanted | string | Promise<Wanted | string>;
}

const store = (id: unknown) => `[PD:core:ErrStoreNotFound]store ${String(id)} not found`;

const reads: Record<string, Read> = {
  "transfer-leader": {
    missing: [["to_store_id", "missing store id to transfer leader to"]],
    make: (_cluster, region, body) => {
      const to = Number(body["to_store_id"]);
      const peer = region.meta.peers.find((peer) => peer.store === to);
      if (peer?.role !== "Voter") return `region has no voter in store ${to}`;
      const from = region.report?.claim.leader ?? 0;
      return admin(region, "transfer-leader", "admin,leader", `transfer leader: store ${from} to ${to}`, [
        { kind: "transfer-leader", from, to },
      ]);
    },
  },
  "add-peer": {
    missing: [["store_id", "invalid store id to transfer peer to"]],
    make: async (cluster, region, body) => {
      const to = Number(body["store_id"]);
      if (!cluster.stores.has(to)) return store(body["store_id"]);
      if (hasPeer(region, to)) return `failed to create operator, region already has peer in store ${to}`;
      return admin(region, "add-peer", "admin,region", `add peer: store [${to}]`, await adding(cluster, to));
    },
  },
  "add-learner": {
    missing: [["store_id", "invalid store id to transfer peer to"]],
    make: async (cluster, region, body) => {
      const to = Number(body["store_id"]);
      if (!cluster.stores.has(to)) return store(body["store_id"]);
      const [learner] = await adding(cluster, to);
      return admin(
        region,
        "add-learner",
        "admin,region",
        `add peer: store [${to}]`,
        learner === undefined ? [] : [learner],
      );
    },
  },
  "remove-peer": {
    missing: [["store_id", "invalid store id to transfer peer to"]],
    make: (_cluster, region, body) => {
      const from = Number(body["store_id"]);
      if (!hasPeer(region, from)) return `region has no peer in store ${from}`;
      return admin(region, "remove-peer", "admin,region", `rm peer: store [${from}]`, removing(region, from));
    },
  },
  "transfer-peer": {
    missing: [
      ["from_store_id", "invalid store id to transfer peer from"],
      ["to_store_id", "invalid store id to transfer peer to"],
    ],
    make: async (cluster, region, body) => {
      const from = Number(body["from_store_id"]);
      const to = Number(body["to_store_id"]);
      if (!hasPeer(region, from)) return `region has no peer in store ${from}`;
      if (!cluster.stores.has(to)) return store(body["to_store_id"]);
      const steps = [...(await adding(cluster, to)), ...removing(region, from)];
      return admin(region, "move-peer", "admin,region", `mv peer: store [${from}] to [${to}]`, steps);
    },
  },
  "transfer-region": {
    missing: [["to_store_ids", "invalid store ids to transfer region to"]],
    make: async (cluster, region, body) => {
      const wanted = Array.isArray(body["to_store_ids"]) ? body["to_store_ids"].map(Number) : [];
      if (!Array.isArray(body["peer_roles"]))
        return "transfer region without peer role is not supported when placement rules enabled";
      const unknown = wanted.find((id) => !cluster.stores.has(id));
      if (unknown !== undefined) return store(unknown);
      const present = region.meta.peers.map((peer) => peer.store);
      const steps: Step[] = [];
      for (const to of wanted.filter((id) => !present.includes(id))) steps.push(...(await adding(cluster, to)));
      for (const from of present.filter((id) => !wanted.includes(id))) steps.push(...removing(region, from, wanted));
      return admin(
        region,
        "move-region",
        "admin,region",
        `mv region: stores [${present.join(" ")}] to [${wanted.join(" ")}]`,
        steps,
      );
    },
  },
  "split-region": {
    missing: [["policy", "missing split policy"]],
    make: async (cluster, region, body) => {
      const policy = String(body["policy"]);
      if (policy !== "approximate" && policy !== "scan" && policy !== "usekey")
        return `check policy ${policy} is not supported`;
      const keys = Array.isArray(body["keys"]) ? body["keys"].map((key) => String(key).toUpperCase()) : [];
      if (policy === "usekey" && keys[0] === undefined) return "no split keys";
      const key = keys[0] ?? keyBetween(region.meta.startKey, region.meta.endKey);
      return await splitOf(cluster, region, key, "admin-split-region", policy.toUpperCase());
    },
  },
  "scatter-region": {
    missing: [],
    make: (_cluster, region) => {
      const from = region.report?.claim.leader ?? 0;
      const others = region.meta.peers.filter((peer) => peer.store !== from && peer.role === "Voter");
      const to = others[Math.floor(Math.random() * others.length)]?.store ?? from;
      const steps: Step[] = [{ kind: "transfer-leader", from, to }];
      return {
        desc: "scatter-region",
        brief: `transfer leader: store ${from} to ${to}`,
        kind: "leader,admin",
        region,
        steps,
      };
    },
  },
};

/** A split at `key` (upper-case hex): the new region takes what lies before it. */
export async function splitOf(
  cluster: Cluster,
  region: Region,
  key: string,
  desc: string,
  policy = "USEKEY",
): Promise<Wanted> {
  const first = await cluster.allocate(1 + region.meta.peers.length);
  const peers = region.meta.peers.map((_, at) => first + 1 + at);
  const brief = `split: region ${region.meta.id} use policy ${policy}`;
  return { desc, brief, kind: "admin", region, steps: [{ kind: "split", key, region: first, peers }] };
}

function admin(region: Region, what: string, kind: string, brief: string, steps: Step[]): Wanted {
  return { desc: `admin-${what}`, brief, kind, region, steps };
}

async function adding(cluster: Cluster, to: number): Promise<Step[]> {
  const peer = { id: await cluster.allocate(), store: to };
  return [
    { kind: "add-learner", peer: { ...peer, role: "Learner" } },
    { kind: "promote-learner", peer: { ...peer, role: "Voter" } },
  ];
}

/** A leader hands over before its peer goes. */
function removing(region: Region, from: number, among = region.meta.peers.map(({ store }) => store)): Step[] {
  const to = among.find((id) => id !== from);
  const isLeader = region.report?.claim.leader === from && to !== undefined;
  return [...(isLeader ? [{ kind: "transfer-leader" as const, from, to }] : []), { kind: "remove-peer", store: from }];
}

function hasPeer(region: Region, id: number): boolean {
  return region.meta.peers.some((peer) => peer.store === id);
}
