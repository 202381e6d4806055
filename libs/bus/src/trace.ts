import { AsyncLocalStorage } from "node:async_hooks";
import { randomUUID } from "node:crypto";

const traces = new AsyncLocalStorage<string>();

/** Does something as part of the trace of a message that was received: what it publishes carries the same trace id. */
export function inTrace<T>(traceparent: string | undefined, act: () => T): T {
  const trace = /^00-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}$/.exec(traceparent ?? "")?.[1];
  return trace === undefined ? act() : traces.run(trace, act);
}

/** A W3C `traceparent` for a message to send: a new span of the trace that is being handled, else of a new trace. */
export function newTraceparent(): string {
  const trace = traces.getStore() ?? hex();
  return `00-${trace}-${hex().slice(-16)}-01`;
}

/** The id of the trace that is being handled. */
export function traceId(): string | undefined {
  return traces.getStore();
}

/** UUIDs come from a pool: an eighth of the time of as many random bytes. */
function hex(): string {
  return randomUUID().replaceAll("-", "");
}
