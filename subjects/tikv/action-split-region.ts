import { defineAction } from "@operator/subject/action";
import { z } from "zod";
import { clusterNeeds, needsIdleRegion, needsPdLeader, regionsSeen } from "./action-sight.ts";
import { actOnPd } from "./pd-write.ts";
import { endedOtherwise, runOperator } from "./pd-write-operator.ts";
import type { State } from "./state.ts";
import { regionIdOf } from "./targets.ts";

/** PD's sizes are whole MiB: of less there's nothing to halve. */
const sizeMiBMin = 2;

const Parameters = z.strictObject({});
const name = "split_region";

/** Halves a region. */
export const splitRegion = defineAction<State, typeof Parameters>({
  name,
  title: "Split a region in two",
  about:
    "Splits one busy region about in the middle of its data, so that PD can put the halves on different stores. Right for traffic that is spread over the region's keys; of no use when it goes to a few keys, which stay together. It can't be undone; PD merges small neighbours by itself, an hour later at the earliest. Risk low: no data moves, clients find the halves by themselves.",
  parameters: Parameters,
  risk: "low",
  targets: (state) => regionsSeen(state).map(({ region }) => region),
  executeWithinMs: 75_000,
  verifyWithinMs: 300_000,
  coolDownMs: 600_000,
  takesOut: false,
  needs: () => clusterNeeds("hot", "operators"),
  guard: ({ state, target }) => {
    const region = regionsSeen(state).find((one) => one.region === target);
    if (!region) return { code: "REGION_UNKNOWN", message: `${target} isn't among the busiest regions` };
    if (region.leader === undefined) {
      return { code: "REGION_WITHOUT_LEADER", message: `nobody is known to lead ${target}, so nobody could split it` };
    }
    if (region.sizeMiB < sizeMiBMin) {
      const message = `${target} has ${region.sizeMiB} MiB: from ${sizeMiBMin} MiB on there's something to split`;
      return { code: "REGION_TOO_SMALL", message };
    }
    return needsPdLeader(state) ?? needsIdleRegion(state, target);
  },
  // What the state tells of a region is the same before and after.
  isDone: () => undefined,
  execute: async ({ state, target }, { environment }, signal) =>
    await actOnPd({ action: name, state, environment, signal }, async (pd) => {
      const regionId = regionIdOf(target) ?? "";
      const operator = { name: "split-region", region_id: BigInt(regionId), policy: "approximate" };
      const { status, tookMs } = await runOperator(pd, regionId, operator);
      if (status === "SUCCESS") return { effect: `${target} was split in two, after ${tookMs} ms` };
      throw endedOtherwise(status, `the split of ${target}`);
    }),
});
