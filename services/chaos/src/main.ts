import { withSecretFiles } from "@operator/service/environment";
import { runService } from "@operator/service/run-service";
import { loadRoom } from "@operator/subject/load";
import { chaosClient } from "@operator/supervisor/client";
import { readChaosConfig } from "./config.ts";
import { run } from "./run.ts";

const environment = withSecretFiles(process.env);
const config = await readChaosConfig(environment);
const roomOf = async (subject: string) => [subject, (await loadRoom(subject, "faults")).faults] as const;
const catalogue = new Map(await Promise.all(config.OPERATOR_SUBJECTS.map(roomOf)));
await using supervisor = chaosClient(config.OPERATOR_SUPERVISOR_SOCKET);

await runService({
  name: "chaos",
  config,
  run: (context) => run(context, { catalogue, hands: { supervisor, environment } }),
});
