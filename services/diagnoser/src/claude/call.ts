import type Anthropic from "@anthropic-ai/sdk";
import type { ClaudeRequest } from "@operator/evidence/claude-request";
import { type Failure, failureOf } from "./failure.ts";
import type { Usage } from "@operator/evidence/prices";

/** A request, or a later one of the same conversation, with what was answered before exactly as it came. */
export type Conversation = Omit<ClaudeRequest, "messages"> & {
  messages: Anthropic.MessageParam[];
  tool_choice?: Anthropic.ToolChoiceNone;
};

export type Called =
  | { kind: "message"; message: Anthropic.Message; usage: Usage }
  /** `isSpent`: what it used isn't known, but it may have used something. */
  | { kind: "failed"; failure: Failure; isSpent: boolean };

/** One call, streamed, within its time. Never tries again by itself; throws only when the signal fires. */
export async function call(
  client: Anthropic,
  request: Conversation,
  { timeoutMs, signal }: { timeoutMs: number; signal: AbortSignal },
): Promise<Called> {
  const deadline = AbortSignal.timeout(timeoutMs);
  let began = false;
  try {
    const stream = client.messages.stream(request, { signal: AbortSignal.any([signal, deadline]), timeout: timeoutMs });
    stream.on("connect", () => {
      began = true;
    });
    const message = await stream.finalMessage();
    return { kind: "message", message, usage: usageOf(message.usage) };
  } catch (error) {
    signal.throwIfAborted();
    if (deadline.aborted) {
      return { kind: "failed", failure: { kind: "late", why: `no answer within ${timeoutMs} ms` }, isSpent: true };
    }
    if (!(error instanceof Error)) throw error;
    return { kind: "failed", failure: failureOf(error, { began, nowMs: Date.now() }), isSpent: began };
  }
}

function usageOf(usage: Anthropic.Usage): Usage {
  return {
    inputTokens: usage.input_tokens,
    cacheReadTokens: usage.cache_read_input_tokens ?? 0,
    cacheWriteTokens: usage.cache_creation_input_tokens ?? 0,
    outputTokens: usage.output_tokens,
  };
}
