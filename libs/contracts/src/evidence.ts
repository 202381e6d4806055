import { z } from "zod";
import { Json } from "./json.ts";
import { TimeMs } from "./names.ts";

/** `E1`, `E2`, …: numbered within one diagnosis. */
export const EvidenceId = z
  .string()
  .regex(/^E[1-9]\d{0,3}$/)
  .brand<"EvidenceId">();
export type EvidenceId = z.infer<typeof EvidenceId>;

/** A fact that can be looked up again: a document in EVIDENCE, a JSON pointer in it, the value there, its time. */
export const Fact = z.object({
  id: EvidenceId,
  address: z.string(),
  pointer: z.string(),
  value: Json,
  atMs: TimeMs,
});
export type Fact = z.infer<typeof Fact>;
