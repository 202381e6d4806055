import { readConfig } from "@operator/service/config";
import { runService } from "@operator/service/run-service";
import { loadRoom } from "@operator/subject/load";
import { ownSettings } from "./config.ts";
import { runObserver } from "./run-observer.ts";

const { OPERATOR_SUBJECT: subject } = readConfig(ownSettings, process.env);
const { settings } = await loadRoom(subject, "settings");
const config = readConfig({ ...ownSettings, ...settings }, process.env);
const { observe } = await loadRoom(subject, "observe");

await runService({
  name: "observer",
  config,
  run: (context) => runObserver(context, { subject, observe: () => observe(process.env) }),
});
