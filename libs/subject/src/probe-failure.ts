import type { ProbeOutcome } from "./probe.ts";

/** Why a question was given up by us. */
export const lateCode = "ASK_TIMEOUT";
/** What answered a PING isn't RESP. */
export const notRespCode = "NOT_RESP";

const kinds: Record<string, "refused" | "reset" | "timeout"> = {
  ECONNREFUSED: "refused",
  ECONNRESET: "reset",
  ECONNABORTED: "reset",
  EPIPE: "reset",
  UND_ERR_SOCKET: "reset",
  // What answered doesn't speak the protocol: somebody is there, but not the target.
  HTTPParserError: "reset",
  [notRespCode]: "reset",
  [lateCode]: "timeout",
  ETIMEDOUT: "timeout",
  UND_ERR_CONNECT_TIMEOUT: "timeout",
  UND_ERR_HEADERS_TIMEOUT: "timeout",
  UND_ERR_BODY_TIMEOUT: "timeout",
  // In containers a dead address vanishes instead of refusing, and its name with it.
  EHOSTUNREACH: "timeout",
  EHOSTDOWN: "timeout",
  ENOTFOUND: "timeout",
  EAI_AGAIN: "timeout",
};

/**
 * What an error of a question says about the target. What isn't known to come from the other side counts as ours
 * (EMFILE, ENFILE, EADDRNOTAVAIL, EACCES, ENOBUFS, ENETUNREACH and whatever is new): better unknown than a false alarm.
 */
export function failureOf(error: unknown, closed: boolean): ProbeOutcome {
  const code = codeOf(error);
  // undici's parser has a code only for some of its errors.
  const kind = kinds[code.startsWith("HPE_") ? "HTTPParserError" : code];
  if (kind === "timeout") return { kind, closed };
  return { kind: kind ?? "ours", code };
}

function codeOf(error: unknown): string {
  if (!(error instanceof Error)) return "UNKNOWN";
  return "code" in error && typeof error.code === "string" ? error.code : error.name;
}
