import type { Bus } from "@operator/bus/bus";
import { readInOrder } from "@operator/bus/read-in-order";
import type { Action } from "@operator/contracts/action";
import { flow } from "@operator/contracts/flow";
import { isOver } from "./read-actions.ts";

/**
 * The action at each later step, until it's over or the signal fires; the action as it was last. Each event is the whole
 * action, so what was sent between reading and listening isn't missed.
 */
export async function followAction(
  bus: Bus,
  shown: Action,
  signal: AbortSignal,
  each: (now: Action, before: Action) => void,
): Promise<Action> {
  let before = shown;
  if (isOver(before)) return before;
  const { state: _, ...given } = flow.action.parameters(shown);
  for await (const { received } of readInOrder(bus, flow.action, { given, from: "last", signal })) {
    for (const { message } of received) {
      if (message.revision <= before.revision) continue;
      each(message, before);
      before = message;
    }
    if (isOver(before)) break;
  }
  return before;
}
