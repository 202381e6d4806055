import { failpoint } from "@operator/bus/failpoint";
import { Agent, request } from "undici";
import type { Notice } from "./notice.ts";
import { signed } from "./signature.ts";

/** Of an answer's body, which is of no use here: read so far to keep the connection, then dropped. Never logged. */
const answerBytesMax = 16 * 1024;

/** What became of one try. `final`: the receiver wants no further one. */
export type Posted = "delivered" | { why: string; final: boolean };

/** Posts notices to one receiver. */
export class Poster implements AsyncDisposable {
  readonly #agent: Agent;
  readonly #given: { url: string; secret: string; timeoutMs: number };

  constructor(given: { url: string; secret: string; timeoutMs: number }) {
    this.#given = given;
    this.#agent = new Agent({ connect: { timeout: given.timeoutMs } });
  }

  /** Tries once. Throws only when the signal fires. */
  async post({ id, type, body }: Notice, signal: AbortSignal): Promise<Posted> {
    const { url, secret, timeoutMs } = this.#given;
    const limit = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]);
    try {
      const answer = await failpoint(`webhook:${type}`, () =>
        // No redirect is followed: the receiver may be anybody's, and could name a server in here.
        request(url, {
          method: "POST",
          headers: {
            "content-type": "application/json",
            "user-agent": "operator",
            ...signed(secret, id, Date.now(), body),
          },
          body,
          dispatcher: this.#agent,
          signal: limit,
        }),
      );
      // The status is the receiver's word; how its body goes on changes nothing.
      await answer.body.dump({ limit: answerBytesMax, signal: limit }).catch(() => {});
      const { statusCode } = answer;
      if (statusCode >= 200 && statusCode < 300) return "delivered";
      return { why: `the receiver answered ${statusCode}`, final: statusCode === 410 };
    } catch (error) {
      signal.throwIfAborted();
      return { why: limit.aborted ? `no answer within ${timeoutMs} ms` : wordsOf(error), final: false };
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#agent.destroy();
  }
}

/** A code or a kind of error: its message may hold the URL, which may hold a secret of the receiver's. */
function wordsOf(error: unknown): string {
  if (!(error instanceof Error)) return "it can't be reached";
  return `it can't be reached: ${"code" in error && typeof error.code === "string" ? error.code : error.name}`;
}
