/** Why PD, or one of its members, didn't do what it was asked. */
export class PdError extends Error {
  /**
   * PD's own name where its words have one, e.g. `ErrRegionNotFound`; else `HTTP_400`; `TIMEOUT`; the connection's, e.g.
   * `ECONNREFUSED`; `PD_ANSWER` for an answer that isn't what was asked for.
   */
  readonly code: string;
  /** Of the answer, if there was one. PD's statuses say little: an unknown region is 500. */
  readonly status: number | undefined;
  /** The member that was asked, e.g. `http://127.0.0.1:2379`. */
  readonly endpoint: string;

  constructor(about: { code: string; status?: number; endpoint: string; message: string }) {
    super(about.message);
    this.code = about.code;
    this.status = about.status;
    this.endpoint = about.endpoint;
  }

  /** Another member may still say: this one wasn't reached, or has no way to the leader. */
  get isOfMember(): boolean {
    return this.status === undefined || ofMember.has(this.code);
  }

  /** Whether a change may have been made all the same. Then only reading tells. */
  get isUnknown(): boolean {
    return this.status === undefined ? !unconnected.has(this.code) : this.code === "ErrRedirect";
  }
}

/** Of `ErrRedirect` (the way from this member to the leader broke) nobody knows how far the request came; the others never left. */
const ofMember = new Set([
  "ErrRedirect",
  "ErrRedirectNoLeader",
  "ErrRedirectToNotLeader",
  "ErrNotLeader",
  "ErrLeaderNil",
  "ErrServerNotStarted",
]);

/** The connection never came to be, so nothing was sent. */
const unconnected = new Set([
  "ECONNREFUSED",
  "ENOTFOUND",
  "EAI_AGAIN",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "UND_ERR_CONNECT_TIMEOUT",
]);

/** The words and the name of the error in an answer of PD: a JSON string, an object with `msg` or `error`, or plain text. */
export function errorIn(status: number, text: string): { code: string; words: string } {
  const words = wordsIn(text).slice(0, wordsMax);
  return { code: /\[PD:[\w-]+:(Err\w+)\]/.exec(words)?.[1] ?? `HTTP_${status}`, words };
}

const wordsMax = 300;

function wordsIn(text: string): string {
  try {
    const said: unknown = JSON.parse(text);
    if (typeof said === "string") return said;
    if (typeof said === "object" && said !== null) {
      if ("msg" in said && typeof said.msg === "string") return said.msg;
      if ("error" in said && typeof said.error === "string") return said.error;
    }
  } catch {
    // Plain text.
  }
  return text.trim();
}
