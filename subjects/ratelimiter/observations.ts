import { defineReadTool, type ReadTool } from "@operator/subject/read-tool";
import { z } from "zod";

const OneSource = z.strictObject({
  source: z
    .enum(["registry", "redis", "limits", "counters"])
    .describe("registry: the nodes' register; redis: Redis of itself; limits: what is stored; counters: hits by key"),
});

/** What a source of the snapshots reads now. */
const getReading = defineReadTool<typeof OneSource>({
  name: "get_reading",
  title: "What one source reads now",
  about:
    "The same as in the snapshots, read anew, target by target: a value, or the error with which it can't be read. Helps to see whether what the first bad snapshot shows is still so: a node that registered again, a Redis that answers, a limit that was put right.",
  parameters: OneSource,
  read: async ({ source }, { environment, signal }) => {
    // Who only tells a model of it needs no client of Redis, which takes some 6 MB.
    const { observe } = await import("./observe.ts");
    const observation = await observe(environment);
    try {
      const named = (name: string) => observation.sources.find((each) => each.name === name);
      // Which keys are counted the limits tell.
      if (source === "counters") await named("limits")?.read(signal);
      return await named(source)?.read(signal);
    } finally {
      await observation.close();
    }
  },
});

/** What may be asked of the rate limiter as it is now. */
export const observations: ReadTool[] = [getReading];
