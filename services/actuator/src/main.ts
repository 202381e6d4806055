import { readConfig } from "@operator/service/config";
import { withSecretFiles } from "@operator/service/environment";
import { runService } from "@operator/service/run-service";
import { z } from "zod";
import { run } from "./run.ts";

const environment = withSecretFiles(process.env);
const config = readConfig(
  {
    /** Public keys and what each may approve; without it nobody can approve anything. */
    OPERATOR_APPROVERS_FILE: z.string().optional(),
    /** What may be done without asking, what never; without it a person decides everything. */
    OPERATOR_POLICY_FILE: z.string().optional(),
    /** The supervisor's socket for the actuator; without it nothing can be started. */
    OPERATOR_SUPERVISOR_SOCKET: z.string().optional(),
  },
  environment,
);

await runService({
  name: "actuator",
  config,
  run: (context) =>
    run(context, {
      approversFile: config.OPERATOR_APPROVERS_FILE,
      policyFile: config.OPERATOR_POLICY_FILE,
      supervisorSocket: config.OPERATOR_SUPERVISOR_SOCKET,
      environment,
    }),
});
