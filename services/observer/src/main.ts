import { runService } from "@operator/service/run-service";
import { loadRoom } from "@operator/subject/load";
import { readObserverConfig } from "./config.ts";
import { runObserver } from "./run-observer.ts";

const config = await readObserverConfig(process.env);
const subject = config.OPERATOR_SUBJECT;
const { observe } = await loadRoom(subject, "observe");

await runService({
  name: "observer",
  config,
  run: (context) =>
    runObserver(context, {
      subject,
      observe: () => observe(process.env),
      secrets: [config.OPERATOR_NATS_PASSWORD],
    }),
});
