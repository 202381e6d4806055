// A small service for tests: folds snapshots, ticks, says when it has caught up.
import { flow } from "@operator/contracts/flow";
import { SubjectName } from "@operator/contracts/names";
import { z } from "zod";
import { readConfig } from "./config.ts";
import { fold } from "./fold.ts";
import { runService } from "./run-service.ts";
import { ticker } from "./ticker.ts";

const config = readConfig(
  {
    OPERATOR_SUBJECT: SubjectName,
    FIXTURE_TICK_MS: z.coerce.number().int().positive().default(50),
    FIXTURE_API_TOKEN: z.string().min(8).optional(),
    /** `hang`: doesn't stop; `throw`: breaks when a snapshot comes; `end`: ends by itself. */
    FIXTURE_FAULT: z.enum(["none", "hang", "throw", "end"]).default("none"),
  },
  process.env,
);
const fault = config.FIXTURE_FAULT;

await runService({
  name: "checker",
  config,
  run: async (context) => {
    // What leaks by mistake must still not be read by anyone.
    context.log.info({ config, url: `http://x:${config.FIXTURE_API_TOKEN}@y` }, "configured");
    if (fault === "end") return;
    const folding = fold(context, flow.snapshot, {
      given: { subject: config.OPERATOR_SUBJECT },
      from: "first",
      eventTime: ({ atMs }) => atMs,
      handle: async ({ received, caughtUp }) => {
        context.ready(caughtUp, "catching up");
        if (fault === "throw" && received.length > 0) throw new Error("an assumption is broken");
        for (const { message } of received) context.log.info({ n: message.n }, "snapshot");
      },
    });
    let ticks = 0;
    const ticking = ticker(context, {
      name: "beat",
      everyMs: config.FIXTURE_TICK_MS,
      tick: async () => {
        ticks++;
        if (ticks === 2) throw new Error("the second tick fails");
      },
    });
    await Promise.all([folding, ticking]);
    if (fault === "hang") await new Promise(() => setInterval(() => {}, 1_000));
  },
});
