// A process that writes something of each kind, for failpoints to kill it at.
import { flow } from "@operator/contracts/flow";
import { z } from "zod";
import { connectAs, jobOf, violationOf } from "./bus.fixture.ts";
import { workInOrder } from "./work.ts";

const place = z.object({ url: z.string(), passwords: z.any() }).parse(JSON.parse(process.argv[2] ?? "{}"));
const checker = await connectAs(place, "checker");
const bucket = await checker.bucket("checks", z.object({ n: z.int() }));
await checker.publish(flow.violation, violationOf("s", "a", 1));
await checker.publish(flow.violation, violationOf("s", "a", 2));
const revision = await bucket.create("s", { n: 1 });
if (revision !== "conflict") await bucket.update("s", { n: 2 }, revision);
await bucket.remove("s");
await checker.close();

const [ticketer, diagnoser] = await Promise.all([connectAs(place, "ticketer"), connectAs(place, "diagnoser")]);
await ticketer.publish(flow.job, jobOf("a"));
const stop = new AbortController();
const work = { exhausted: async () => {}, signal: stop.signal };
await workInOrder(diagnoser, ["diagnoser-critical", "diagnoser-normal"], flow.job, {
  ...work,
  handle: async () => stop.abort(),
});
await Promise.all([ticketer.close(), diagnoser.close()]);
