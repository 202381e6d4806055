import { z } from "zod";
import { decodeJson } from "./exact-json.ts";
import { json, type Routes } from "./server.ts";
import type { Demand } from "./workload-demand.ts";

const Hot = z.strictObject({
  regionId: z
    .string()
    .regex(/^\d{1,20}$/, { error: "a region's id as text" })
    .optional(),
  putsPerS: z.number().positive().max(1_000_000),
  ttlMs: z.int().positive().max(3_600_000),
});

/** The workload's control port. */
export function workloadRoutes(demand: Demand): Routes {
  const state = () =>
    json({ simulator: true, ...demand.state, ...(demand.hot === undefined ? {} : { hot: demand.hot }) });
  return {
    "GET /workload": state,
    "PUT /workload/hot": ({ body }) => {
      const read = Hot.safeParse(parsed(body));
      if (!read.success) return json({ simulator: true, error: z.prettifyError(read.error) }, 400);
      const { regionId, putsPerS, ttlMs } = read.data;
      const heated = demand.heat(regionId === undefined ? undefined : Number(regionId), putsPerS, ttlMs);
      if (heated === undefined)
        return json({ simulator: true, error: `region ${regionId ?? "of any id"} isn't known, or has no leader` }, 404);
      return json({ simulator: true, ...heated, putsPerS, ttlMs });
    },
    "DELETE /workload/hot": () => {
      demand.cool();
      return state();
    },
  };
}

function parsed(body: string): unknown {
  try {
    return decodeJson(body);
  } catch {
    return undefined;
  }
}
