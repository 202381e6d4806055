import { failpoint } from "@operator/bus/failpoint";
import type { Action } from "@operator/contracts/action";
import type { Json } from "@operator/contracts/json";
import { type Action as Definition, type ActionRefusal, NotDone } from "@operator/subject/action";
import { type Desk, refuse, stepOf, wordsOf } from "./desk.ts";
import { freshState, unseenIn } from "./fresh-state.ts";

/** A claimed action: the guard on fresh state, the effect, and what came of it. */
export async function execute(
  desk: Pick<Desk, "book" | "context" | "room" | "hands">,
  action: Action,
  definition: Definition<never>,
): Promise<void> {
  const { book, context } = desk;
  const given = { target: action.proposal.target, parameters: parametersOf(action, definition) };
  let state: never;
  try {
    state = await freshState(context.bus, action.subject, (await desk.room(action.subject)).state);
  } catch (error) {
    return await refuse(desk, action, "STATE_UNKNOWN", `without fresh state nothing is done: ${wordsOf(error)}`);
  }
  const unseen = unseenIn(state, definition.needs(given.target));
  if (unseen.length > 0) {
    const message = `without fresh state nothing is done: the observer doesn't see the ${unseen.join(", the ")}`;
    return await refuse(desk, action, "STATE_UNKNOWN", message);
  }
  const refusal = guarded(definition, { state, ...given });
  if (refusal) return await refuse(desk, action, refusal.code, refusal.message);
  // A process that was frozen since its claim finds that others count it as dead.
  if (Date.now() > (action.claim?.untilMs ?? 0) - definition.executeWithinMs) {
    return await refuse(desk, action, "CLAIM_TOO_OLD", "the claim ran out before the effect began");
  }
  const keep = async (before: Json) => {
    if (await book.keep(action.id, before)) return;
    throw new NotDone("CLAIM_TOO_OLD", "others count who claimed it as dead, so the effect wasn't begun");
  };
  try {
    const limit = AbortSignal.timeout(definition.executeWithinMs);
    const effectFromMs = Date.now();
    const { effect } = await failpoint(`execute:${definition.name}`, () =>
      definition.execute({ state, ...given, keep }, desk.hands, limit),
    );
    const nowMs = Date.now();
    await book.step(action.id, () => ({
      step: stepOf(desk, "executed", effect),
      changes: { effectFromMs, verifyByMs: nowMs + definition.verifyWithinMs },
    }));
  } catch (error) {
    if (error instanceof NotDone) return await refuse(desk, action, error.code, error.message);
    // An answer that was lost says nothing of the effect: it's read back.
    await book.step(action.id, () => ({ step: stepOf(desk, "unknown", wordsOf(error), { code: "EXECUTE_FAILED" }) }));
  }
}

function guarded(
  definition: Definition<never>,
  given: { state: never; target: string; parameters: never },
): ActionRefusal | undefined {
  try {
    if (definition.targets(given.state).includes(given.target)) return definition.guard(given);
    const message = `fresh state doesn't name ${given.target} as something to do this to`;
    return { code: "TARGET_NOT_SEEN", message };
  } catch (error) {
    return { code: "GUARD_FAILED", message: `the guard failed on fresh state: ${wordsOf(error)}` };
  }
}

export function parametersOf(action: Action, definition: Definition<never>): never {
  // The catalogue's own schema made them; only their type is unknown here.
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion
  return definition.parameters.parse(action.proposal.parameters) as never;
}
