import type { Bucket } from "@operator/bus/bucket";
import type { Job } from "@operator/contracts/job";
import type { Ticket } from "@operator/contracts/ticket";
import type { ServiceContext } from "@operator/service/service-context";
import type { z } from "zod";
import type { diagnoserConfig } from "../config.ts";
import { type Pause, pauses, type Wait } from "./ask.ts";
import { askClaude, type Consultation } from "./claude.ts";
import { createClient } from "./client.ts";
import type { Consulted } from "./consult.ts";
import { isPriced } from "@operator/evidence/prices";
import { Spending } from "./spending.ts";

export type Consult = (consultation: Consultation) => Promise<Consulted>;

/** Claude as the configuration wants it; undefined without a key, as nothing of the environment is to stand in for it. */
export function openClaude(
  config: z.infer<z.ZodObject<typeof diagnoserConfig>>,
  { log, metrics }: Pick<ServiceContext, "log" | "metrics">,
  tickets: Bucket<Ticket>,
  secrets: readonly string[],
): Consult | undefined {
  const { ANTHROPIC_API_KEY: apiKey, OPERATOR_CLAUDE_MODEL: model, OPERATOR_CLAUDE_URL: url } = config;
  const waits = metrics.counter("operator_model_waits_total", "Times that an attempt waited for a busy model", []);
  const dollars = metrics.counter("operator_model_usd_total", "US dollars spent on models", ["model"]);
  const paused = metrics.counter("operator_model_pauses_total", "Questions that the model didn't get, or denied", [
    "why",
  ]);
  // There from the start, also without a key: an alert sees the first one rise.
  dollars.inc({ model }, 0);
  for (const why of pauses) paused.inc({ why }, 0);
  if (apiKey === undefined) return undefined;
  if (!isPriced(model)) log.warn({ model }, "no price is known of this model: it's counted as the dearest");
  let client: ReturnType<typeof createClient> | undefined;
  const options = {
    client: () => (client ??= createClient({ apiKey, url, log })),
    model,
    effort: config.OPERATOR_CLAUDE_EFFORT,
    timeoutMs: config.OPERATOR_CLAUDE_TIMEOUT_MS,
    ticketUsdMax: config.OPERATOR_CLAUDE_MAX_USD_PER_TICKET,
    hourUsdMax: config.OPERATOR_CLAUDE_MAX_USD_PER_HOUR,
    spending: new Spending(tickets),
    secrets,
    onWait: ({ ticket, attempt }: Job, { why, untilMs }: Wait) => {
      waits.inc();
      log.info({ ticket, attempt, why, untilMs }, "waiting for the model");
    },
    onPause: (why: Pause) => paused.inc({ why }),
  };
  return async (consultation) => {
    const consulted = await askClaude(options, consultation);
    dollars.inc({ model }, costOf(consulted));
    return consulted;
  };
}

function costOf(consulted: Consulted): number {
  if (consulted.kind === "playbook") return consulted.cost?.usd ?? 0;
  return consulted.result.kind === "failed" ? 0 : (consulted.result.diagnosis.cost?.usd ?? 0);
}
