import { z } from "zod";

// What PD, TiKV and the workload of the simulator tell each other; a real cluster speaks gRPC here.

const id = z.int().positive();
const amount = z.number().nonnegative();

export const PeerMeta = z.object({ id, store: id, role: z.enum(["Voter", "Learner"]) });
export type PeerMeta = z.infer<typeof PeerMeta>;

/** A range of keys (upper-case hex; empty: the end of all) and who keeps it. `confVer` counts changes of peers, `version` splits. */
export const RegionMeta = z.object({
  id,
  startKey: z.string(),
  endKey: z.string(),
  confVer: z.int(),
  version: z.int(),
  peers: z.array(PeerMeta),
});
export type RegionMeta = z.infer<typeof RegionMeta>;

/** Who leads a region, by the term in which it was elected: the highest term is right. */
export const Claim = z.object({ region: RegionMeta, term: z.int(), leader: id, sizeBytes: amount, keys: amount });
export type Claim = z.infer<typeof Claim>;
export const Claims = z.object({ claims: z.array(Claim) });

/** TiKV → PD, at its start: `storeId` when its data folder holds one. */
export const Registration = z.object({
  address: z.string(),
  statusAddress: z.string(),
  /** Address of the process that hosts the store: of its first store. */
  process: z.string(),
  version: z.string(),
  gitHash: z.string(),
  startTimestamp: z.int(),
  deployPath: z.string(),
  storeId: id.optional(),
});
export type Registration = z.infer<typeof Registration>;
export const Register = z.object({ stores: z.array(Registration) });
/** An id for each store, in their order; or why it's refused. */
export const Registered = z.object({
  clusterId: z.string(),
  stores: z.array(z.object({ storeId: id.optional(), refused: z.string().optional() })),
});

export const StoreHeartbeat = z.object({
  id,
  capacity: amount,
  available: amount,
  used: amount,
  isBusy: z.boolean(),
  isStopping: z.boolean(),
  slowScore: amount,
  /** Other store's id → how slow the network to it is, 1 to 100. */
  networkSlowScores: z.record(z.string(), amount),
  startTimestamp: z.int(),
  /** Per second, since the heartbeat before. */
  rates: z.object({ writtenBytes: amount, writtenKeys: amount, readBytes: amount, readKeys: amount }),
});
export type StoreHeartbeat = z.infer<typeof StoreHeartbeat>;
export const StoreHeartbeats = z.object({ stores: z.array(StoreHeartbeat) });

/** Every store that a TiKV process may have to talk to. */
export const Directory = z.object({ stores: z.array(z.object({ id, address: z.string(), process: z.string() })) });
/** `directory`: only when it changed since the one of `directoryVersion`. */
export const StoreHeartbeatsTaken = z.object({ directoryVersion: z.int() });

export const RegionHeartbeat = z.object({
  claim: Claim,
  /** A change since the one before, not the one of each minute. */
  isChange: z.boolean(),
  /** Stores whose peer lags behind, and since how many seconds others are gone. */
  pending: z.array(id),
  down: z.array(z.object({ store: id, seconds: z.int() })),
  flow: z.object({ writtenBytes: amount, writtenKeys: amount, readBytes: amount, readKeys: amount, seconds: amount }),
});
export type RegionHeartbeat = z.infer<typeof RegionHeartbeat>;
export const RegionHeartbeats = z.object({ regions: z.array(RegionHeartbeat) });

/** What PD asks of a region's leader: one step of an operator. */
export const Step = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("transfer-leader"), from: id, to: id }),
  z.object({ kind: z.literal("add-learner"), peer: PeerMeta }),
  z.object({ kind: z.literal("promote-learner"), peer: PeerMeta }),
  z.object({ kind: z.literal("remove-peer"), store: id }),
  z.object({ kind: z.literal("split"), key: z.string(), region: id, peers: z.array(id) }),
]);
export type Step = z.infer<typeof Step>;
export const StepForRegion = z.object({ region: id, leader: id, step: Step });

/** TiKV → TiKV, once a second: I'm here. `wantsClaims`: say which regions you lead, I may have missed it. */
export const PeerHeartbeat = z.object({ process: z.string(), incarnation: z.string(), wantsClaims: z.boolean() });
export const PeerHeartbeatTaken = z.object({ incarnation: z.string(), claims: z.array(Claim) });
export const VoteRequest = z.object({ region: id, term: z.int(), candidate: id, voters: z.array(id) });
/** The stores, of those asked, that vote for the candidate. */
export const Votes = z.object({ granted: z.array(id) });
/** The leader hands over: to `to`, in this term. */
export const HandOver = z.object({ claim: Claim });
export const Done = z.object({ isDone: z.boolean(), reason: z.string().optional() });

/** Workload → TiKV, once a second: what arrives at these regions now, per second. Holds for three seconds. */
export const Load = z.object({
  regions: z.array(z.object({ region: id, leader: id, putsPerS: amount, getsPerS: amount, valueBytes: amount })),
});
/** TiKV → TiKV: what a region's leader writes, for a store that follows it. */
const Replica = z.object({ region: id, store: id, putsPerS: amount, valueBytes: amount });
export type Replica = z.infer<typeof Replica>;
export const Replicas = z.object({ replicas: z.array(Replica) });
/** Regions that aren't led here: by whom instead, as far as it's known. */
export const LoadTaken = z.object({ notLeader: z.array(z.object({ region: id, leader: id.optional() })) });
export const Nothing = z.looseObject({});
