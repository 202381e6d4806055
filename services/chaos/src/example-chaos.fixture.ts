import { readConfig } from "@operator/service/config";
import { runService } from "@operator/service/run-service";
import { chaosClient } from "@operator/supervisor/client";
import { z } from "zod";
import { exampleFaults } from "./example-faults.fixture.ts";
import { run } from "./run.ts";

// What main.ts is, with the faults of the example in place of a room's.

const config = readConfig({ OPERATOR_SUPERVISOR_SOCKET: z.string().min(1) }, process.env);
const supervisor = chaosClient(config.OPERATOR_SUPERVISOR_SOCKET);
const catalogue = new Map([["example", exampleFaults]]);

await runService({
  name: "chaos",
  config,
  run: (context) => run(context, { catalogue, hands: { supervisor, environment: process.env } }),
});
