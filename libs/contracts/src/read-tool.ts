import { z } from "zod";
import { Json } from "./json.ts";
import { TimeMs } from "./names.ts";

/** A question about a subject that its room can answer, e.g. `get_stores`. */
export const ReadToolName = z
  .string()
  .max(64)
  .regex(/^get_[a-z][a-z0-9_]*$/, "expected a name like get_stores")
  .brand<"ReadToolName">();
export type ReadToolName = z.infer<typeof ReadToolName>;

/** What an answer may be at most: JSON of so many bytes, read within so long; and how many are read at a time. */
export const readBounds = { bytesMax: 16_384, withinMs: 2_000, atOnceMax: 8 } as const;

/** Which read tool is to be asked, with what. Whether there is such a one, and whether it takes that, the observer says. */
export const ReadQuestion = z.object({ name: z.string().max(200), parameters: Json });
export type ReadQuestion = z.infer<typeof ReadQuestion>;

const why = { code: z.string().max(64), message: z.string().max(500) };

/** `refused`: it isn't to be asked like that. `failed`: it can't be answered now. */
export const ReadAnswer = z.discriminatedUnion("kind", [
  /** Read from `atMs` on. `leftOut`: so many values at its end had no room. */
  z.object({ kind: z.literal("read"), atMs: TimeMs, value: Json, leftOut: z.int().nonnegative() }),
  z.object({ kind: z.literal("refused"), ...why }),
  z.object({ kind: z.literal("failed"), ...why }),
]);
export type ReadAnswer = z.infer<typeof ReadAnswer>;
