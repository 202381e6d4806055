import type Anthropic from "@anthropic-ai/sdk";
import type { ClaudeRequest } from "@operator/evidence/claude-request";
import { readCallsMax } from "@operator/evidence/claude-tools";
import { tokensFor } from "@operator/evidence/prices";
import { readFailureText } from "@operator/evidence/read-facts";
import { type Case, withRead } from "@operator/ground/case";
import type { AskRead, Told } from "../ask-read.ts";
import { ask, type Asked, type Asking, tokensMin } from "./ask.ts";
import type { Conversation } from "./call.ts";

/** How the model's calls are carried out. */
export interface Reading {
  read: AskRead;
  /** Of the request: what is told is delimited with it. */
  nonce: string;
  secrets: readonly string[];
}

/** A last word. */
type Answered = Exclude<Asked, { kind: "called" }>;

/** What came of it: the last word, the case with all that was told, and the conversation up to that word. */
export interface Investigated {
  asked: Answered;
  theCase: Case;
  conversation: Conversation;
}

/** One call's result in a conversation, with the parts that JSON puts around it. */
const resultBytesMax = 17_000;

/**
 * Asks, and carries out the read tools' calls that the model makes, a bounded number of them, until it answers. When there
 * are none left, or no money for more, it's told so and has to answer with what there is.
 */
export async function investigate(
  asking: Asking,
  start: Case,
  request: ClaudeRequest,
  reading: Reading,
): Promise<Investigated> {
  let theCase = start;
  let conversation: Conversation = request;
  let left = readCallsMax;
  for (;;) {
    const asked = left > 0 ? await ask(asking, conversation) : await askForAnswer(asking, conversation);
    if (asked.kind !== "called") return { asked, theCase, conversation };
    const why = await asking.mootSince();
    if (why !== undefined) return { asked: { kind: "moot", why }, theCase, conversation };
    if (!(await isAffordable(asking, conversation, asked.calls.length))) left = 0;
    const carriedOut = asked.calls.slice(0, left);
    const told = await Promise.all(carriedOut.map(({ name, input }) => reading.read({ name, parameters: input })));
    left = Math.max(0, left - asked.calls.length);
    const results = asked.calls.map(({ id }, at): Anthropic.ToolResultBlockParam => {
      const outcome = told[at] ?? spent;
      const about = { type: "tool_result", tool_use_id: id } as const;
      if ("code" in outcome) {
        return { ...about, is_error: true, content: readFailureText(outcome, reading.nonce, reading.secrets) };
      }
      const grown = withRead(theCase, outcome.kept, reading);
      theCase = grown.theCase;
      return { ...about, content: grown.text };
    });
    conversation = {
      ...conversation,
      messages: [
        ...conversation.messages,
        // With its thinking, byte for byte: the API holds the blocks against what it sent.
        { role: "assistant", content: asked.content },
        { role: "user", content: results },
      ],
    };
  }
}

const spent: Told = { code: "NO_CALLS_LEFT", message: "no more calls are carried out: answer with what there is" };

/** Asks for the answer itself. The tools stay in the request, so that the cache holds; they just can't be called. */
export async function askForAnswer(asking: Asking, conversation: Conversation): Promise<Answered> {
  const asked = await ask(
    asking,
    conversation.tools ? { ...conversation, tool_choice: { type: "none" } } : conversation,
  );
  if (asked.kind === "called") throw new Error("calls were taken that weren't allowed");
  return asked;
}

/** Is an answer still paid for after so many results, and one more call of the model before it? */
async function isAffordable(asking: Asking, conversation: Conversation, calls: number): Promise<boolean> {
  const { usd } = await asking.budget(0);
  const oneMoreUsd = asking.bill.usd / (asking.bill.cost?.calls ?? 1);
  const grown = { ...conversation, results: "x".repeat(calls * resultBytesMax) };
  return tokensFor(conversation.model, grown, usd - oneMoreUsd) >= tokensMin;
}
