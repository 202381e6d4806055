import { relay } from "@operator/bus/baseline-hops";
import { z } from "zod";

/** What a hop is told by its environment, as one JSON. */
export const RawHop = z.object({
  at: z.object({ servers: z.string(), user: z.string(), password: z.string() }),
  from: z.object({ stream: z.string(), address: z.string() }),
  to: z.object({ stream: z.string(), address: z.string() }),
  bytes: z.int().positive(),
});
export type RawHop = z.infer<typeof RawHop>;

/** One raw hop, in a process of its own as each service of the loop is, until SIGTERM. */
export async function runRawHop(environment: Record<string, string | undefined>): Promise<void> {
  const hop = RawHop.parse(JSON.parse(environment["BENCH_RAW_HOP"] ?? "null"));
  const stop = new AbortController();
  process.once("SIGTERM", () => stop.abort());
  await relay(hop.at, { ...hop, onReady: () => console.log("ready"), signal: stop.signal });
}
