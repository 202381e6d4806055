import type Anthropic from "@anthropic-ai/sdk";
import type { Bill } from "./bill.ts";
import type { Called, Conversation } from "./call.ts";
import { mostOf, tokensFor, usdOf } from "@operator/evidence/prices";

/** What came of asking. */
export type Asked =
  | { kind: "answered"; text: string; content: Anthropic.ContentBlock[] }
  /** It wants to be told something before it answers. */
  | { kind: "called"; calls: Anthropic.ToolUseBlock[]; content: Anthropic.ContentBlock[] }
  /** No answer that could be used: the playbook is to answer, and to say this. */
  | { kind: "unusable"; why: string }
  /** An error that can't pass, or didn't in time, while nothing was spent. */
  | { kind: "failed"; code: string; why: string }
  /** The ticket needs no answer any more. */
  | { kind: "moot"; why: string };

/** A wait for a busy API. */
export interface Wait {
  why: string;
  /** With all waits before it. */
  altogetherMs: number;
  /** When it's given up. */
  untilMs: number;
}

/** Why no attempt gets to the model until somebody sees to it: nothing is left to spend, or key or model are denied. */
export const pauses = ["budget", "denied"] as const;
export type Pause = (typeof pauses)[number];

export interface Asking {
  call: (request: Conversation) => Promise<Called>;
  bill: Bill;
  /** What may be spent on a call that costs so much at most, in US dollars, with why that's so little if it is. */
  budget: (mostUsd: number) => Promise<{ usd: number; why: string }>;
  /** Called before each wait. */
  onWait: (wait: Wait) => Promise<void>;
  /** Called when a question gets nowhere for such a reason. */
  onPause: (why: Pause) => void;
  /** Called after a wait and before read tools are asked: why nobody needs the answer any more, if so. */
  mootSince: () => Promise<string | undefined>;
  /** All waits together. */
  waitMsMax: number;
  /** Throws when the service stops. */
  wait: (ms: number) => Promise<unknown>;
}

/** Between tries when the API doesn't say how long. */
const waitMs = 60_000;
const againMs = 1_000;
/** With less room an answer would be cut, and what was spent on it lost. */
export const tokensMin = 6_000;

/** Asks once, for as much as the budget allows: waits while the API is busy, and tries once more when an answer breaks off. */
export async function ask(asking: Asking, request: Conversation): Promise<Asked> {
  const { bill, waitMsMax } = asking;
  let waitedMs = 0;
  let cuts = 0;
  for (;;) {
    const { usd, why } = await asking.budget(usdOf(request.model, mostOf(request)));
    const tokens = Math.min(request.max_tokens, tokensFor(request.model, request, usd));
    if (tokens < tokensMin) {
      asking.onPause("budget");
      return { kind: "unusable", why: `no budget: ${why}` };
    }
    const called = await asking.call({ ...request, max_tokens: tokens });
    if (called.kind === "message") {
      bill.add(called.usage);
      return answerOf(called.message, request);
    }
    const { failure, isSpent } = called;
    if (isSpent) bill.addMost({ ...request, max_tokens: tokens });
    switch (failure.kind) {
      case "busy": {
        const nextMs = failure.retryAfterMs ?? waitMs;
        if (waitedMs + nextMs > waitMsMax) {
          const said = `${failure.why}; it asks for ${Math.ceil(nextMs / 1_000)} s more, and at most ${waitMsMax / 1_000} s are waited`;
          return ended(bill, "MODEL_BUSY", said);
        }
        const untilMs = Date.now() + waitMsMax - waitedMs;
        await asking.onWait({ why: failure.why, altogetherMs: waitedMs + nextMs, untilMs });
        // A little longer than asked: who comes a moment too early is turned away again.
        await asking.wait(nextMs + 10);
        waitedMs += nextMs;
        const moot = await asking.mootSince();
        if (moot !== undefined) return { kind: "moot", why: moot };
        break;
      }
      case "cut":
        cuts += 1;
        if (cuts > 1) return { kind: "unusable", why: `the model's answer broke off twice: ${failure.why}` };
        await asking.wait(againMs);
        break;
      case "late":
        return { kind: "unusable", why: `the model was too slow: ${failure.why}` };
      case "unpaid":
        asking.onPause("budget");
        return { kind: "unusable", why: `no budget: ${failure.why}` };
      case "denied":
        if (failure.code === "MODEL_DENIED") asking.onPause("denied");
        return ended(bill, failure.code, failure.why);
    }
  }
}

/** What was spent stays with a diagnosis: an attempt that cost something ends as one, by the playbook. */
function ended({ cost }: Bill, code: string, why: string): Asked {
  return cost ? { kind: "unusable", why: `${code}: ${why}` } : { kind: "failed", code, why };
}

function answerOf(
  { stop_reason, stop_details, content, usage }: Anthropic.Message,
  { tools, tool_choice }: Conversation,
): Asked {
  const calls = content.filter((block) => block.type === "tool_use");
  if (stop_reason === "tool_use" && calls.length > 0 && tools && tool_choice?.type !== "none") {
    return { kind: "called", calls, content };
  }
  if (stop_reason === "end_turn") {
    const text = content.flatMap((block) => (block.type === "text" ? [block.text] : [])).join("");
    return { kind: "answered", text, content };
  }
  if (stop_reason === "refusal") {
    return { kind: "unusable", why: `the model refused to answer (${stop_details?.category ?? "no category given"})` };
  }
  if (stop_reason === "max_tokens" || stop_reason === "model_context_window_exceeded") {
    return { kind: "unusable", why: `the model's answer was cut after ${usage.output_tokens} tokens` };
  }
  return { kind: "unusable", why: `the model stopped for another reason than its end: ${stop_reason}` };
}
