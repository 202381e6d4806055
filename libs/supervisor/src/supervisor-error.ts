/** What the supervisor refuses or fails at, with the HTTP status of the answer. */
export const statuses = {
  BAD_BODY: 400,
  BAD_JSON: 400,
  BAD_PATH: 400,
  BAD_TIME: 400,
  VERB_FORBIDDEN: 403,
  FAULT_UNKNOWN: 404,
  NETWORK_UNKNOWN: 404,
  PATH_UNKNOWN: 404,
  TARGET_UNKNOWN: 404,
  FAULT_CONTRADICTS: 409,
  FAULT_RUNNING: 409,
  LABEL_AMBIGUOUS: 409,
  MEMBER_PAUSED: 409,
  NOT_CONNECTED: 409,
  NOT_RUNNING: 409,
  TOO_LARGE: 413,
  DRIVER_FAILED: 500,
  VERB_UNSUPPORTED: 501,
  ENGINE_AWAY: 503,
  SUPERVISOR_BUSY: 503,
  SUPERVISOR_CLOSING: 503,
  OPERATION_LATE: 504,
} as const satisfies Record<string, number>;
export type RefusalCode = keyof typeof statuses;

/** `code` is one of the supervisor's refusals, or of the client's own: `SUPERVISOR_AWAY`, `SUPERVISOR_LATE`, `BAD_ANSWER`. */
export class SupervisorError extends Error {
  override name = "SupervisorError";
  readonly code: string;

  constructor(code: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** Thrown by the supervisor itself: its code has a status. */
export class Refusal extends SupervisorError {
  declare readonly code: RefusalCode;
  readonly status: number;

  constructor(code: RefusalCode, message: string, options?: ErrorOptions) {
    super(code, message, options);
    this.status = statuses[code];
  }
}

/** A value as it's quoted in a message: bounded, so that nobody has their megabyte sent back. */
export function quoted(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 120 ? `${text.slice(0, 117)}…` : text;
}
