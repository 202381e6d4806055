import type { Bus } from "@operator/bus/bus";
import { ActionId } from "@operator/contracts/action-id";
import { Action, type ActionState } from "@operator/contracts/action";
import { findAction } from "./find-action.ts";

/** All actions, of one subject or of all, the newest first. */
export async function readActions(bus: Bus, subject?: string): Promise<Action[]> {
  const entries = await (await bus.bucket("actions", Action)).entries(subject);
  return entries.map(({ value }) => value).sort((one, other) => other.proposedAtMs - one.proposedAtMs);
}

/** The action that a person means by an id or by parts of one, as it's now. */
export async function readAction(bus: Bus, word: string): Promise<Action> {
  const whole = ActionId.safeParse(word);
  const stored = whole.success ? await (await bus.bucket("actions", Action)).get(whole.data) : undefined;
  if (stored) return stored.value;
  const actions = await readActions(bus);
  const id = findAction(
    word,
    actions.map((action) => action.id),
  );
  const found = actions.find((action) => action.id === id);
  if (!found) throw new Error(`action ${id} was found, and isn't there`);
  return found;
}

const endStates: readonly ActionState[] = [
  "verified",
  "refused",
  "rejected",
  "expired",
  "cancelled",
  "failed",
  "unverified",
  "undone",
];

/** Whether nothing more becomes of it. `unknown` isn't an end: it may be read back yet. */
export function isOver({ state }: Pick<Action, "state">): boolean {
  return endStates.includes(state);
}
