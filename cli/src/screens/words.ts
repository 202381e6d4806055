import type { VerdictLine } from "@operator/contracts/verdicts";
import type { TicketSummary } from "../ticket-summary.ts";
import { type Span, type Style, span } from "../terminal/page.ts";

/** A state as glyph and word; the colour repeats what both say. */
export function stateSpan(state: VerdictLine["state"]): Span {
  const [glyph, style] = states[state];
  return span(`${glyph} ${state}`, style);
}

/** What is the matter with a ticket, in one word: `firing`, `blind`, `cleared`, `closed`, … */
export function ticketSpan({ status, state }: Pick<TicketSummary, "status" | "state">): Span {
  if (status === "closed") return span("✓ closed", "dim");
  const [glyph, style] = ticketStates[state];
  return span(`${glyph} ${state}`, style);
}

const states = {
  firing: ["✖", "bad"],
  pending: ["◔", "warn"],
  blind: ["◌", "warn"],
  unknown: ["?", "warn"],
  clearing: ["↗", "warn"],
  ok: ["✓", "good"],
} as const satisfies Record<VerdictLine["state"], readonly [string, Style]>;

const ticketStates = {
  firing: ["✖", "bad"],
  blind: ["◌", "warn"],
  cleared: ["↗", "good"],
  retired: ["↗", "good"],
} as const satisfies Record<TicketSummary["state"], readonly [string, Style]>;

/** Worst first. */
export const stateOrder = Object.keys(states);
