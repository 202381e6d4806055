import { Action } from "@operator/contracts/action";
import type { z } from "zod";

/** An action as it was proposed, but for what is given. */
export function actionLike(given: Partial<z.input<typeof Action>> = {}): Action {
  return Action.parse({
    id: "ratelimiter.node_down.node-a.1.1.1",
    subject: "ratelimiter",
    ticket: "ratelimiter.node_down.node-a.1",
    attempt: 1,
    proposal: { action: "restart_node", target: "node-a", parameters: {}, why: "it crashed" },
    risk: "low",
    engine: { kind: "playbook", name: "ratelimiter" },
    evidence: "ab".repeat(32),
    state: "proposed",
    revision: 1,
    proposedAtMs: 1,
    expiresAtMs: 2,
    escalated: false,
    steps: [{ state: "proposed", atMs: 1, by: "actuator-1", text: "proposed" }],
    sent: 1,
    ...given,
  });
}
