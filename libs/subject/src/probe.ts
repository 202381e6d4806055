import { TimeMs } from "@operator/contracts/names";
import { z } from "zod";

/** What one question to a target came to. */
export type ProbeOutcome =
  /** It answered. `latencyMs` from question to answer. */
  | { kind: "answered"; latencyMs: number }
  /** Its port refused: nobody is there. */
  | { kind: "refused"; code: string }
  /** The connection closed or broke while it was asked, or what came wasn't the protocol: ask again in 20 ms. */
  | { kind: "reset"; code: string }
  /** No answer in time. `closed`: the kept connection was closed by the other side and none has opened since, as when a container was killed. */
  | { kind: "timeout"; closed: boolean }
  /** The fault is ours (out of sockets, our event loop lagged): says nothing about the target. */
  | { kind: "ours"; code: string };

/** One kept connection to a target. */
export interface Asker {
  ask: (timeoutMs: number) => Promise<ProbeOutcome>;
  /** Called when the other side closes the kept connection: a hint to ask at once. Never for a close of our own. */
  onClose: (listener: () => void) => void;
  close: () => void;
}

/** A target to probe, and how a connection to it is opened. Same name and address: the same connection goes on. */
export interface ProbeTarget {
  target: string;
  address: string;
  open: () => Asker;
}

/** The reading of the source `probe`: what repeated questions established about a target. */
export const ProbeReading = z.object({
  /** `up`: answers. `refused`: its port refuses, or drops every connection. `silent`: two questions in a row got no answer in time. */
  state: z.enum(["up", "refused", "silent"]),
  /** In this state since. */
  sinceMs: TimeMs,
  address: z.string(),
  /** The code of the outcome that decided, e.g. `ECONNREFUSED`. */
  code: z.string().optional(),
  lastAnswerAtMs: TimeMs.optional(),
  latencyMs: z.number().nonnegative().optional(),
});
export type ProbeReading = z.infer<typeof ProbeReading>;
