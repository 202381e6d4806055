import type { Bus } from "@operator/bus/bus";
import { readInOrder } from "@operator/bus/read-in-order";
import type { Action } from "@operator/contracts/action";
import { flow } from "@operator/contracts/flow";
import type { RecentAction } from "@operator/subject/case-file";

const anHourMs = 60 * 60_000;
/** Steps of actions of all subjects, and notes: many more than a budget allows within an hour. */
const messagesMax = 2_000;
const withinMs = 2_000;

/** What was proposed or done to a subject within the hour before, as it stood then. What fails costs this part, not the diagnosis. */
export async function actionsBefore(
  bus: Bus,
  subject: string,
  nowMs: number,
  signal: AbortSignal,
): Promise<{ actions: RecentAction[]; why?: string }> {
  const newest = new Map<string, Action>();
  const limit = AbortSignal.any([signal, AbortSignal.timeout(withinMs)]);
  try {
    const { firstSequence, lastSequence } = await bus.streamState(flow.action.stream);
    const after = Math.max(firstSequence - 1, lastSequence - messagesMax);
    for await (const batch of readInOrder(bus, flow.action, { given: { subject }, from: { after }, signal: limit })) {
      for (const { message } of batch.received) {
        if (message.revision >= (newest.get(message.id)?.revision ?? 0)) newest.set(message.id, message);
      }
      if (batch.caughtUp) return { actions: [...newest.values()].flatMap((action) => recentOf(action, nowMs)) };
    }
    return { actions: [], why: `not read within ${withinMs} ms` };
  } catch (error) {
    return { actions: [], why: error instanceof Error ? error.message : String(error) };
  }
}

function recentOf({ ticket, proposal, state, steps }: Action, nowMs: number): RecentAction[] {
  const atMs = steps.at(-1)?.atMs ?? 0;
  if (atMs < nowMs - anHourMs) return [];
  const { action, target, parameters } = proposal;
  return [{ ticket, action, target, parameters, state, atMs }];
}
