import { z } from "zod";
import { TimeMs } from "./names.ts";

/** A message that couldn't be read or carried out: its bytes, and why. `operator dead-letters replay` sends it again. */
export const DeadLetter = z.object({
  /** Of the original: its message id, else `<stream>:<sequence>`. */
  id: z.string(),
  service: z.string(),
  channel: z.string(),
  code: z.string(),
  reason: z.string().max(1000),
  address: z.string(),
  stream: z.string(),
  sequence: z.int().positive(),
  deliveries: z.int().positive(),
  atMs: TimeMs,
  headers: z.array(z.tuple([z.string(), z.string()])),
  bodyBase64: z.string(),
  /** Bytes of the original; larger than the body kept when `truncated`. */
  bytes: z.int().nonnegative(),
  truncated: z.boolean(),
});
export type DeadLetter = z.infer<typeof DeadLetter>;
