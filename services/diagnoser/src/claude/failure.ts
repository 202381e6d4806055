import type { APIError } from "@anthropic-ai/sdk";
import { plainText } from "@operator/evidence/telemetry";

/** Why a call gave no message. `why` is a sentence part, e.g. "it is overloaded (529)". */
export type Failure =
  /** It passes, and nothing was spent: rate limits, overload, no connection. */
  | { kind: "busy"; why: string; retryAfterMs?: number }
  /** The answer had begun and broke off. */
  | { kind: "cut"; why: string }
  /** No whole answer within our own time. */
  | { kind: "late"; why: string }
  /** The account can't pay, or has spent what it may. */
  | { kind: "unpaid"; why: string }
  /** It can't pass: a wrong key, a model that there isn't, a request that it won't take. */
  | { kind: "denied"; code: "MODEL_DENIED" | "MODEL_REQUEST_INVALID"; why: string };

type Told = Partial<Pick<APIError, "status" | "type" | "errorCode" | "apiMessage" | "headers">> & Error;

/** What an error of the SDK comes to. `began`: the answer's stream had been opened. */
export function failureOf(error: Told, { began, nowMs }: { began: boolean; nowMs: number }): Failure {
  const { status } = error;
  const why = plainText(`${error.apiMessage ?? error.message}${status === undefined ? "" : ` (${status})`}`, 200);
  if (began) return { kind: "cut", why };
  // No status: it never came to an answer.
  if (status === undefined) return { kind: "busy", why };
  if (status === 402 || /spend_limit|credit/.test(error.errorCode ?? "")) return { kind: "unpaid", why };
  const isPassing = status === 408 || status === 409 || status === 429 || status >= 500;
  if (isPassing && error.headers?.get("x-should-retry") !== "false") {
    const retryAfterMs = retryAfterOf(error.headers, nowMs);
    return { kind: "busy", why, ...(retryAfterMs === undefined ? {} : { retryAfterMs }) };
  }
  const isOurs = status === 400 || status === 413 || status === 422;
  return { kind: "denied", code: isOurs ? "MODEL_REQUEST_INVALID" : "MODEL_DENIED", why };
}

/** Milliseconds until the API wants to be asked again; undefined when it doesn't say, or says what nobody could follow. */
function retryAfterOf(headers: Told["headers"], nowMs: number): number | undefined {
  const exact = Number(headers?.get("retry-after-ms") ?? Number.NaN);
  if (Number.isFinite(exact) && exact >= 0) return exact;
  const said = headers?.get("retry-after");
  if (said === undefined || said === null || said === "") return undefined;
  const seconds = Number(said);
  const afterMs = Number.isFinite(seconds) ? seconds * 1_000 : Date.parse(said) - nowMs;
  return Number.isFinite(afterMs) && afterMs >= 0 ? afterMs : undefined;
}
