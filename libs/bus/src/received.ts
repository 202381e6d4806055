import type { Raw } from "./envelope.ts";

/** A message that was read and checked, with where and when the bus stored it. */
export interface Received<M> {
  message: M;
  sequence: number;
  address: string;
  id: string;
  storedAtMs: number;
  /** Of the W3C trace that it belongs to: `inTrace` continues it. */
  traceparent?: string;
}

export function toReceived<M>(
  raw: Raw & { sequence: number; storedAtMs: number },
  opened: { message: M; id: string },
): Received<M> {
  const traceparent = raw.headers?.get("traceparent");
  return {
    message: opened.message,
    sequence: raw.sequence,
    address: raw.address,
    id: opened.id,
    storedAtMs: raw.storedAtMs,
    ...(traceparent ? { traceparent } : {}),
  };
}
