import type { Source } from "@operator/subject/observation";
import type { PdClient } from "./pd-client.ts";
import { operatorsPath, PdOperators } from "./pd-operators.ts";
import type { OperatorsReading } from "./state.ts";
import { cluster, regionTarget } from "./targets.ts";

const shownMax = 20;
const textMax = 200;

/** The operators that PD has under way. */
export function operatorsSource(pd: PdClient): Source {
  return {
    name: "operators",
    rhythmMs: 2_000,
    timeoutMs: 1_500,
    targets: () => [cluster],
    read: async (signal) => {
      const operators = await pd.get(operatorsPath, PdOperators, signal);
      const value: OperatorsReading = {
        count: operators.length,
        running: operators.slice(0, shownMax).map(({ region_id, desc, brief }) => ({
          region: regionTarget(region_id),
          desc: desc.slice(0, textMax),
          brief: brief.slice(0, textMax),
        })),
      };
      return { [cluster]: { value } };
    },
  };
}
