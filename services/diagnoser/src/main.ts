import { flow } from "@operator/contracts/flow";
import { Ticket } from "@operator/contracts/ticket";
import { readConfig } from "@operator/service/config";
import { runService } from "@operator/service/run-service";
import { worker } from "@operator/service/worker";
import { z } from "zod";
import { carryOut, giveUp } from "./carry-out.ts";
import { createRooms } from "./rooms.ts";

const config = readConfig(
  {
    /** Jobs at a time. */
    OPERATOR_DIAGNOSER_SLOTS: z.coerce.number().int().min(1).max(64).default(1),
  },
  process.env,
);

await runService({
  name: "diagnoser",
  config,
  run: async (context) => {
    const tickets = await context.bus.bucket("tickets", Ticket);
    const desk = { ...context, tickets, room: createRooms(), secrets: [config.OPERATOR_NATS_PASSWORD] };
    context.ready(true);
    await Promise.all(
      Array.from({ length: config.OPERATOR_DIAGNOSER_SLOTS }, () =>
        worker(context, ["diagnoser-critical", "diagnoser-normal"], flow.job, {
          handle: (received, signal) => carryOut(desk, received, signal),
          exhausted: (received) => giveUp(desk, received),
        }),
      ),
    );
  },
});
