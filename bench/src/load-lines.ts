import { z } from "zod";

/** One second as the subject's load generator saw it, from outside. */
export const LoadLine = z.object({
  type: z.literal("load"),
  atMs: z.int(),
  sent: z.int(),
  errors: z.int(),
  degraded: z.int(),
  overAdmitted: z.int(),
  p99Ms: z.number().nullable(),
  /** By the node's URL. */
  byNode: z.record(z.string(), z.object({ answers: z.int(), errors: z.int(), p99Ms: z.number().nullable() })),
});
export type LoadLine = z.infer<typeof LoadLine>;

/** The load's lines out of its log; what is no such line (a summary, a warning) is left out. */
export function readLoadLines(log: string): LoadLine[] {
  return log.split("\n").flatMap((line) => {
    if (!line.startsWith('{"type":"load"') || !line.endsWith("}")) return [];
    const read = LoadLine.safeParse(JSON.parse(line));
    return read.success ? [read.data] : [];
  });
}
