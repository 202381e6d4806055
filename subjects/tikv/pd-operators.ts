import { z } from "zod";
import { PdId } from "./pd-json.ts";

/** Without `object` PD writes Go's text of each. */
export const operatorsPath = "/pd/api/v1/operators?object=1";

/** Operators under way. */
export const PdOperators = z
  .array(z.object({ region_id: PdId, desc: z.string(), brief: z.string() }))
  .nullable()
  .transform((operators) => operators ?? []);
