/** Every code that an answer may carry, with its HTTP status. The README lists them; a test compares. */
export const refusals = {
  body_unreadable: 400,
  body_invalid: 400,
  cost_above_limit: 400,
  key_invalid: 400,
  limit_invalid: 400,
  query_invalid: 400,
  token_missing: 401,
  token_wrong: 401,
  route_unknown: 404,
  limit_unknown: 404,
  node_unknown: 404,
  node_alive: 409,
  limits_full: 409,
  body_too_large: 413,
  redis_unavailable: 503,
  internal: 500,
} as const;
export type RefusalCode = keyof typeof refusals;

/** What a caller did or met, with a code to branch on and a message that quotes the bad value and says what to do. */
export class Refusal extends Error {
  override name = "Refusal";
  readonly code: RefusalCode;

  constructor(code: RefusalCode, message: string) {
    super(message);
    this.code = code;
  }

  get status(): number {
    return refusals[this.code];
  }
}

/** A value as it's quoted in a message: bounded, so that nobody can make us send their megabyte back. */
export function quoted(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 80 ? `${text.slice(0, 77)}…` : text;
}
