import { JetStreamApiError } from "@nats-io/jetstream";
import { errors } from "@nats-io/transport-node";

/** An operation on the bus that failed for good: `code` is of the catalogue, the message says what to do. */
export class BusError extends Error {
  readonly code: string;
  constructor(code: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "BusError";
    this.code = code;
  }
}

/** Thrown by a handler of work: trying again can't help. The message becomes a dead letter. */
export class Terminal extends Error {
  readonly code: string;
  constructor(code: string, reason: string, options?: ErrorOptions) {
    super(reason, options);
    this.name = "Terminal";
    this.code = code;
  }
}

/** Thrown by a handler of work: try again after so long. */
export class Passing extends Error {
  readonly delayMs: number;
  constructor(delayMs: number, reason: string, options?: ErrorOptions) {
    super(reason, options);
    this.name = "Passing";
    this.delayMs = delayMs;
  }
}

/** The connection went away under a request: its outcome is unknown. */
export class ConnectionLost extends Error {
  constructor(why = "the connection to the bus was lost") {
    super(why);
    this.name = "ConnectionLost";
  }
}

/** Another write came first. The server has two codes for it, the second seen under replication only. */
export function isConflict(error: unknown): boolean {
  return error instanceof JetStreamApiError && (error.code === 10071 || error.code === 10164);
}

/** The address holds its one message already. The same code also says that a stream is full, hence the text. */
export function isAddressTaken(error: unknown): boolean {
  return error instanceof JetStreamApiError && error.code === 10077 && error.message.includes("per subject");
}

export function isForbidden(error: unknown): boolean {
  return (
    error instanceof errors.PermissionViolationError ||
    (error instanceof Error && error.cause instanceof errors.PermissionViolationError)
  );
}

/** Worth trying again: no leader, no stream yet, no answer in time, no connection. */
export function isPassing(error: unknown): boolean {
  if (!(error instanceof Error) || isForbidden(error)) return false;
  if (error instanceof JetStreamApiError) return error.status === 503 || error.code === 10059;
  return (
    error instanceof ConnectionLost ||
    error instanceof errors.TimeoutError ||
    error instanceof errors.RequestError ||
    error instanceof errors.NoRespondersError ||
    // The library's word for "nobody answers at that address": no leader, or no such stream.
    error.name === "JetStreamNotEnabled"
  );
}

/** The error that callers see, with what was tried. */
export function toBusError(what: string, error: unknown): unknown {
  if (isForbidden(error) && error instanceof Error) {
    return new BusError("BUS_FORBIDDEN", `${what}: the bus refuses it (${error.message}); see docs/channels.md`, {
      cause: error,
    });
  }
  if (error instanceof JetStreamApiError) {
    return new BusError("BUS_REJECTED", `${what}: the bus answered ${error.code}, "${error.message}"`, {
      cause: error,
    });
  }
  return error;
}
