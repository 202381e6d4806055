import { efforts, modelPattern, usual } from "@operator/evidence/claude-request";
import { z } from "zod";
import { apiUrl } from "./claude/client.ts";

const usd = z.coerce.number().min(0).max(1_000);

/** What a diagnoser is told besides what every service is. */
export const diagnoserConfig = {
  /** Jobs at a time. */
  OPERATOR_DIAGNOSER_SLOTS: z.coerce.number().int().min(1).max(64).default(1),
  /** Without it the playbook answers. */
  ANTHROPIC_API_KEY: z.string().min(1).optional(),
  OPERATOR_CLAUDE_MODEL: z.string().regex(modelPattern, `a model like ${usual.model}`).default(usual.model),
  OPERATOR_CLAUDE_URL: z.url({ protocol: /^https?$/ }).default(apiUrl),
  OPERATOR_CLAUDE_EFFORT: z.enum(efforts).default(usual.effort),
  /** US dollars. An answer costs some 0.20 with the default model. */
  OPERATOR_CLAUDE_MAX_USD_PER_TICKET: usd.default(1),
  OPERATOR_CLAUDE_MAX_USD_PER_HOUR: usd.default(10),
  /** One call, from the question to the end of the answer. */
  OPERATOR_CLAUDE_TIMEOUT_MS: z.coerce.number().int().min(100).max(1_800_000).default(300_000),
};
