import type { CaseFile } from "@operator/subject/case-file";
import { answerSchema } from "./answer-schema.ts";
import { caseText } from "./case-text.ts";
import { type ClaudeTool, claudeTools, type DescribedReadTool } from "./claude-tools.ts";
import { type DescribedAction, systemPrompt } from "./prompt.ts";
import type { StrictObject } from "./strict-schema.ts";

/** Of the facts in a request; with all the rest a request stays below some 40,000 tokens. */
const factCharsMax = 60_000;

export const efforts = ["low", "medium", "high", "xhigh", "max"] as const;
export type Effort = (typeof efforts)[number];

/** What a diagnoser asks for unless it's told otherwise. `tokensMax` of an answer, its thinking included: several times what one takes. */
export const usual = { model: "claude-opus-5-5", effort: "high", tokensMax: 32_000 } as const satisfies {
  effort: Effort;
} & Record<string, unknown>;

/** The name of a model. */
export const modelPattern = /^claude-[a-z0-9-]+$/;

/** A request to the Messages API as it's sent: no sampling parameters and no thinking, which the models decide themselves. */
export interface ClaudeRequest {
  model: string;
  max_tokens: number;
  system: { type: "text"; text: string; cache_control: { type: "ephemeral" } }[];
  messages: { role: "user"; content: string }[];
  /** What may be asked of the subject, if anything. */
  tools?: ClaudeTool[];
  /** Holds on to the conversation so far, as each of its calls comes with all of it. */
  cache_control?: { type: "ephemeral" };
  output_config: { effort: Effort; format: { type: "json_schema"; schema: { [key: string]: unknown } & StrictObject } };
}

export interface ClaudeRequestOptions {
  file: CaseFile;
  actions: readonly DescribedAction[];
  readTools: readonly DescribedReadTool[];
  model: string;
  effort: Effort;
  /** Of the answer, with the thinking before it. */
  tokensMax: number;
  /** At least 16 letters and digits that nobody could know before. */
  nonce: string;
  /** Of the caller's own environment: never to be told. */
  secrets: readonly string[];
}

/** Why a case is no model's to answer, if so. */
export function whyNotAsked({ facts }: CaseFile): string | undefined {
  return facts.length === 0 ? "the case has no facts that a model could cite" : undefined;
}

/** The request that a diagnosis begins with. Pure: what is sent can be shown without being sent. Throws on a nonce that could be guessed. */
export function claudeRequest(options: ClaudeRequestOptions): ClaudeRequest {
  const { file, actions, readTools, nonce, secrets } = options;
  if (!/^[a-z0-9]{16,}$/i.test(nonce))
    throw new Error(`the nonce ${JSON.stringify(nonce)} isn't 16 letters and digits`);
  return {
    model: options.model,
    max_tokens: options.tokensMax,
    // Instructions, tools and schema are the same for all cases: the cache holds them. What is new comes last.
    system: [{ type: "text", text: systemPrompt(actions, readTools.length > 0), cache_control: { type: "ephemeral" } }],
    messages: [
      {
        role: "user",
        content: `The case file. Its tags carry the word ${nonce}.\n\n${caseText(file, { nonce, secrets, factCharsMax })}\n\nWhat is the cause? Answer in the schema.`,
      },
    ],
    ...(readTools.length > 0 && { tools: claudeTools(readTools), cache_control: { type: "ephemeral" } }),
    output_config: { effort: options.effort, format: { type: "json_schema", schema: { ...answerSchema(actions) } } },
  };
}
