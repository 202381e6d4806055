import { runService } from "@operator/service/run-service";
import { config } from "./config.ts";
import { roomOf } from "./room.ts";
import { run } from "./run.ts";

const subject = config.OPERATOR_SUBJECT;
const room = await roomOf(subject, config.OPERATOR_GRACE_SCALE);

await runService({ name: "checker", config, run: (context) => run(context, subject, room) });
