import type { CauseCategory } from "@operator/contracts/diagnosis";
import type { Json } from "@operator/contracts/json";
import type { Fault, FaultHands } from "@operator/subject/fault";
import { z } from "zod";
import { deleteControl, putControl, readControl } from "./fault-control.ts";
import { breaksNothing, breaksRegions, ofKind, ttlMs } from "./fault-members.ts";
import { statusUrlOf, storeOf } from "./fault-store.ts";
import { storeTarget } from "./targets.ts";

/** What a simulated store is told on its status port. */
interface Switch {
  name: string;
  title: string;
  cause: CauseCategory;
  leaves?: string;
  breaks: Fault["breaks"];
  /** Below `/simulator/`. */
  path: "disk" | "slow" | "pd-link";
  parameters: z.ZodType<Json>;
  /** What is sent beside the time to live. */
  body: (parameters: Json) => object;
}

/** Known before the effect, so that a revert finds its way without PD. */
const Undo = z.object({ url: z.string() });

/** A fault of one store that only a simulated one can be told to have: on a real cluster it's refused. */
function switchedOn({ path, body, ...told }: Switch): Fault {
  const controlUrl = async (member: string, hands: FaultHands, signal: AbortSignal) =>
    `${statusUrlOf(await storeOf(member, hands, signal))}/simulator`;
  return {
    ...told,
    by: "api",
    ttlMs,
    targets: ofKind("store"),
    resolve: async (member, _members, hands, signal) => {
      const store = await storeOf(member, hands, signal);
      const url = `${statusUrlOf(store)}/simulator`;
      await readControl(url, signal);
      return { target: member, observedAs: storeTarget(store.id), undo: { url } };
    },
    inject: async ({ target, parameters, ttlMs: forMs }, hands, signal) => {
      const url = await controlUrl(target, hands, signal);
      await putControl(`${url}/${path}`, { ...body(parameters), ttlMs: forMs }, signal);
      return { undo: { url } };
    },
    revert: async ({ target, undo }, hands, signal) => {
      const url = Undo.safeParse(undo).data?.url ?? (await controlUrl(target, hands, signal));
      await deleteControl(`${url}/${path}`, signal);
    },
    proof: async ({ target }, hands, signal) => {
      const { [path]: now } = await readControl(await controlUrl(target, hands, signal), signal);
      return now === undefined || now === null ? undefined : `${target} says of its ${path}: ${JSON.stringify(now)}`;
    },
  };
}

const nothing = z.strictObject({});
const disk = z.strictObject({ usedPercent: z.number().min(1).max(100).default(95) });
const slow = z.strictObject({
  /** TiKV's own score of its disk, 1 to 100. */
  score: z.int().min(1).max(100).default(60),
  /** What each write takes longer. */
  latencyMs: z.int().min(1).max(10_000).default(400),
});

/** The store answers, and PD hears nothing of it. */
export const cutStoreFromPd = switchedOn({
  name: "cut_store_from_pd",
  title: "A store loses its way to PD, and serves as before",
  cause: "unreachable",
  // Its heartbeats are missing, so PD counts it as one that is out.
  breaks: breaksRegions,
  path: "pd-link",
  parameters: nothing,
  body: () => ({ cut: true }),
});

/** Its disk is nearly full. */
export const fillDisk = switchedOn({
  name: "fill_disk",
  title: "A store's disk is nearly full",
  cause: "overloaded",
  breaks: breaksNothing,
  path: "disk",
  parameters: disk,
  body: (parameters) => disk.parse(parameters),
});

/** Its disk is slow, and so is what it serves. */
export const slowStore = switchedOn({
  name: "slow_store",
  title: "A store's disk is slow, and PD calls it Up",
  cause: "overloaded",
  leaves: "forgotten_evict_leader",
  breaks: breaksNothing,
  path: "slow",
  parameters: slow,
  body: (parameters) => slow.parse(parameters),
});
