import { runService } from "@operator/service/run-service";
import { loadReadTools, loadRoom } from "@operator/subject/load";
import { readObserverConfig } from "./config.ts";
import { readBy } from "./read.ts";
import { runObserver } from "./run-observer.ts";

const config = await readObserverConfig(process.env);
const subject = config.OPERATOR_SUBJECT;
const { observe } = await loadRoom(subject, "observe");
const secrets = [config.OPERATOR_NATS_PASSWORD];
const read = readBy({ tools: await loadReadTools(subject), environment: process.env, secrets });

await runService({
  name: "observer",
  config,
  run: (context) =>
    runObserver(context, {
      subject,
      observe: () => observe(process.env),
      read,
      secrets,
    }),
});
