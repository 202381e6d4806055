import { Ticket } from "@operator/contracts/ticket";

export const openedAtMs = 1_795_252_695_611;
export const closedAtMs = openedAtMs + 7_000;

/** A revision of a target's first ticket; the reasons say what came to be. */
export function ticketOf(
  target: string,
  revision: number,
  reasons: string[],
  given: Partial<Record<"status" | "attempts" | "history" | "closedAtMs", unknown>> = {},
): Ticket {
  const about = { subject: "s", invariant: "node_down", target, severity: "critical" };
  return Ticket.parse({
    ...about,
    id: `s.node_down.${target}.1`,
    generation: 1,
    revision,
    reasons,
    status: "open",
    openedAtMs,
    violation: {
      ...about,
      state: "firing",
      asOf: openedAtMs,
      sinceMs: openedAtMs,
      changedAtMs: openedAtMs,
      occurrences: 1,
      summary: `${target} refuses`,
      detail: { kind: "unreachable", how: "refused", silentMs: 0 },
      explainedBy: [],
      mayBeExplained: false,
      comebacks: 0,
    },
    occurrences: 1,
    diagnosis: "none",
    attempts: [],
    held: false,
    escalated: reasons.includes("escalated"),
    history: [],
    historyDropped: 0,
    sent: { revision: 0, attempt: 0 },
    ...given,
  });
}

export const closed = { status: "closed", closedAtMs };
