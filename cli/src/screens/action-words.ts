import type { Action, ActionState } from "@operator/contracts/action";
import { safeJson } from "../terminal/safe-text.ts";
import { type Span, type Style, span } from "../terminal/page.ts";

/** An action's state as glyph and word; the colour repeats what both say. */
export function actionSpan(state: ActionState): Span {
  const [glyph, style] = states[state];
  return span(`${glyph} ${state}`, style);
}

/** What is to be done, in one line: `restart_node node-a {"x":1}`. */
export function actionOf({ action, target, parameters }: Action["proposal"]): string {
  const given = Object.keys(parameters).length === 0 ? "" : ` ${safeJson(parameters)}`;
  return `${action} ${target}${given}`;
}

const states = {
  proposed: ["?", "warn"],
  approved: ["◔", "warn"],
  claimed: ["▶", "warn"],
  executed: ["▶", "warn"],
  verified: ["✓", "good"],
  refused: ["✖", "bad"],
  rejected: ["✖", "dim"],
  expired: ["✖", "dim"],
  cancelled: ["✖", "dim"],
  failed: ["✖", "bad"],
  unverified: ["✖", "bad"],
  undone: ["↗", "warn"],
  unknown: ["?", "bad"],
} as const satisfies Record<ActionState, readonly [string, Style]>;
