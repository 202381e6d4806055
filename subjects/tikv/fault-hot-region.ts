import { type Fault, type FaultHands, FaultRefused } from "@operator/subject/fault";
import { z } from "zod";
import { deleteControl, putControl, readControl } from "./fault-control.ts";
import { breaksNothing, ofKind, ttlMs } from "./fault-members.ts";
import { asAnonymous } from "./fault-pd.ts";
import { flowPath, PdRegions } from "./pd-regions.ts";
import { readSettings } from "./settings.ts";
import { regionIdOf, regionTarget } from "./targets.ts";

/** Whichever region is written most when the fault is made: the journal has its id. */
const role = "busiest-region";

const Parameters = z.strictObject({ putsPerS: z.int().min(1).max(100_000).default(4_000) });
const Control = z.object({ hot: z.object({ regionId: z.string() }) });

/** The control of the simulator's workload; a real cluster has none. */
function workloadUrl({ environment }: FaultHands): string {
  const { TIKV_WORKLOAD_URL: url } = readSettings(environment);
  if (url !== undefined) return `${url}/workload`;
  throw new FaultRefused(
    "SIMULATOR_ONLY",
    "TIKV_WORKLOAD_URL isn't set: only a simulator's workload can be told to heat a region",
  );
}

/** Most writes go to few keys, all of one region. */
export const hotRegion: Fault = {
  name: "hot_region",
  title: "One region gets most of the writes",
  cause: "overloaded",
  targets: (members) => (ofKind("store")(members).length > 0 ? [role] : []),
  ttlMs,
  breaks: breaksNothing,
  by: "api",
  parameters: Parameters,
  resolve: async (_role, _members, hands, signal) => {
    await readControl(workloadUrl(hands), signal);
    const [busiest] = await asAnonymous(hands, signal, (pd) => pd.read(flowPath("write", 1), PdRegions));
    if (!busiest) throw new FaultRefused("REGION_NOT_FOUND", "PD lists no region, so none can be heated");
    return { target: regionTarget(busiest.id) };
  },
  inject: async ({ target, parameters, ttlMs: forMs }, hands, signal) => {
    const body = { regionId: regionIdOf(target), ...Parameters.parse(parameters), ttlMs: forMs };
    await putControl(`${workloadUrl(hands)}/hot`, body, signal);
    return { undo: null };
  },
  revert: async (_, hands, signal) => {
    await deleteControl(`${workloadUrl(hands)}/hot`, signal);
  },
  proof: async ({ target }, hands, signal) => {
    const control = Control.safeParse(await readControl(workloadUrl(hands), signal));
    return control.data?.hot.regionId === regionIdOf(target) ? `the workload says that it heats ${target}` : undefined;
  },
};
