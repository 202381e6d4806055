import type { z } from "zod";

/** What the observer lends to a read tool. */
export interface ReadToolHands {
  /** The room's environment, with which its read APIs are found. */
  environment: Record<string, string | undefined>;
  /** Fires when the time of an answer is over. */
  signal: AbortSignal;
}

/** A named question about a subject as it is now. It changes nothing, and its cost doesn't grow with the subject. */
export interface ReadTool<Parameters = never> {
  /** `get_…`. */
  name: string;
  /** What it gives, for people, e.g. "The stores as PD has them". */
  title: string;
  /** What it gives and when that helps: read by the model that may ask. */
  about: string;
  /** A flat object, every property required and bounded: a model fills these in reliably. */
  parameters: z.ZodType;
  /**
   * Resolves with JSON, most telling first: what has no room in an answer is cut off at its end. A throw is told to who
   * asked. The parameters were parsed by their schema.
   */
  read: (parameters: Parameters, hands: ReadToolHands) => Promise<unknown>;
}

/** Keeps a read tool's types together; a room's `observations.ts` is a list of these. */
export function defineReadTool<Schema extends z.ZodType>(
  tool: ReadTool<z.infer<Schema>> & { parameters: Schema },
): ReadTool {
  return tool;
}
