import { flow } from "@operator/contracts/flow";
import { Ticket } from "@operator/contracts/ticket";
import { readConfig } from "@operator/service/config";
import { runService } from "@operator/service/run-service";
import { worker } from "@operator/service/worker";
import { carryOut, giveUp } from "./carry-out.ts";
import { openClaude } from "./claude/open.ts";
import { diagnoserConfig } from "./config.ts";
import { createRooms } from "./rooms.ts";
import { shrinkWhenIdle } from "./shrink.ts";

const config = readConfig(diagnoserConfig, process.env);

await runService({
  name: "diagnoser",
  config,
  run: async (context) => {
    const tickets = await context.bus.bucket("tickets", Ticket);
    const secrets = [config.OPERATOR_NATS_PASSWORD, config.ANTHROPIC_API_KEY].filter((secret) => secret !== undefined);
    const claude = openClaude(config, context, tickets, secrets);
    const desk = { ...context, tickets, room: createRooms(), secrets, claude };
    const shrink = shrinkWhenIdle();
    context.ready(true);
    await Promise.all(
      Array.from({ length: config.OPERATOR_DIAGNOSER_SLOTS }, () =>
        worker(context, ["diagnoser-critical", "diagnoser-normal"], flow.job, {
          handle: async (received, signal) => {
            await carryOut(desk, received, signal);
            shrink();
          },
          exhausted: (received) => giveUp(desk, received),
        }),
      ),
    );
  },
});
