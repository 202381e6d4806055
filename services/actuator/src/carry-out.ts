import type { Action } from "@operator/contracts/action";
import type { Action as Definition } from "@operator/subject/action";
import { type Desk, isOver, stepOf, violationOf, wordsOf } from "./desk.ts";
import { freshState } from "./fresh-state.ts";
import { ticketOf } from "./propose.ts";

/** Around the effect: to ask for fresh state, and to write down what was done. */
const claimMarginMs = 8_000;
const hourMs = 3_600_000;

/**
 * Carries out an approved action: everything that may speak against it, then the claim, then fresh state and the guard,
 * then the effect, once. Whatever happens is a step; what isn't the time for it yet is tried again by the next beat.
 */
export async function carryOut(desk: Desk, action: Action): Promise<void> {
  const { book, control } = desk;
  const approval = action.approval;
  if (!approval) return;
  const definition = (await desk.room(action.subject)).actions.get(action.proposal.action);
  if (!definition) {
    return await refuse(
      desk,
      action,
      "CATALOGUE_MISSING",
      `${action.proposal.action} is not in the catalogue any more`,
    );
  }
  const ticket = await ticketOf(desk.tickets, action.ticket);
  if (ticket?.held) return;
  const violation = await violationOf(desk.context.bus, action.ticket);
  if (!violation || isOver(violation)) {
    const text = "what it was to mend is over";
    await book.step(action.id, () => ({ step: stepOf(desk, "cancelled", text, { code: "VIOLATION_OVER" }) }));
    return;
  }
  const against = whatSpeaksAgainst(desk, action, definition);
  if (against) return await refuse(desk, action, against.code, against.message);

  const untilMs = Date.now() + definition.executeWithinMs + claimMarginMs;
  const claim = { by: desk.context.instance, atMs: Date.now(), untilMs };
  const hindrance = await control.claim(action.subject, approval.term, {
    action: action.id,
    by: claim.by,
    claimedAtMs: claim.atMs,
    untilMs,
  });
  if (hindrance?.code === "IN_FLIGHT") return;
  if (hindrance) {
    await book.step(action.id, () => ({ step: stepOf(desk, "cancelled", hindrance.message, hindrance) }));
    return;
  }
  const claimed = await book.step(action.id, () => ({
    step: stepOf(desk, "claimed", `claimed until ${new Date(untilMs).toISOString()}`),
    changes: { claim },
  }));
  // Rejected or cancelled between the look and the claim: nothing was begun.
  if (claimed) await execute(desk, claimed, definition);
  await control.release(action.subject, action.id);
}

/** The claimed action: guard on fresh state, effect, and what came of it. */
async function execute(desk: Desk, action: Action, definition: Definition<never>): Promise<void> {
  const { book, context } = desk;
  const given = { target: action.proposal.target, parameters: parametersOf(action, definition) };
  let state: never;
  try {
    state = await freshState(context.bus, action.subject, (await desk.room(action.subject)).state);
  } catch (error) {
    return await refuse(desk, action, "STATE_UNKNOWN", `without fresh state nothing is done: ${wordsOf(error)}`);
  }
  const refusal = guarded(definition, { state, ...given });
  if (refusal) return await refuse(desk, action, refusal.code, refusal.message);
  // A process that was frozen since its claim finds that others count it as dead.
  if (Date.now() > (action.claim?.untilMs ?? 0) - definition.executeWithinMs) {
    return await refuse(desk, action, "CLAIM_TOO_OLD", "the claim ran out before the effect began");
  }
  try {
    const { effect, before } = await definition.execute(
      { state, ...given },
      desk.hands,
      AbortSignal.timeout(definition.executeWithinMs),
    );
    const nowMs = Date.now();
    await book.step(action.id, () => ({
      step: stepOf(desk, "executed", effect),
      changes: {
        executedAtMs: nowMs,
        verifyByMs: nowMs + definition.verifyWithinMs,
        ...(before !== undefined && { before }),
      },
    }));
  } catch (error) {
    await book.step(action.id, () => ({ step: stepOf(desk, "failed", wordsOf(error), { code: "EXECUTE_FAILED" }) }));
  }
}

/** What the history of actions says against doing it now. */
function whatSpeaksAgainst(
  { book, policy }: Desk,
  action: Action,
  definition: Definition<never>,
): { code: string; message: string } | undefined {
  const nowMs = Date.now();
  const begun = book
    .all()
    .filter(({ id, subject, claim }) => id !== action.id && subject === action.subject && claim !== undefined);
  const { proposal } = action;
  const same = begun.find(
    (other) =>
      other.proposal.action === proposal.action &&
      other.proposal.target === proposal.target &&
      nowMs - (other.claim?.atMs ?? 0) < definition.coolDownMs,
  );
  if (same) {
    const message = `${proposal.action} of ${proposal.target} was begun ${Math.round((nowMs - (same.claim?.atMs ?? 0)) / 1_000)} s ago (${same.id}); it cools down for ${definition.coolDownMs / 1_000} s`;
    return { code: "COOL_DOWN", message };
  }
  const within = begun.filter(({ claim }) => nowMs - (claim?.atMs ?? 0) < hourMs);
  if (within.length >= policy.perHourMax) {
    return { code: "BUDGET_SPENT", message: `${within.length} actions within an hour, at most ${policy.perHourMax}` };
  }
  const unsettled = begun.find(({ state }) => state === "executed" || state === "unknown" || state === "claimed");
  if (definition.takesOut && unsettled) {
    const message = `it takes a member out, and ${unsettled.id} (${unsettled.proposal.action} of ${unsettled.proposal.target}) isn't settled`;
    return { code: "BLAST_RADIUS", message };
  }
  return undefined;
}

function guarded(
  definition: Definition<never>,
  given: { state: never; target: string; parameters: never },
): { code: string; message: string } | undefined {
  try {
    if (!definition.targets(given.state).includes(given.target)) {
      return {
        code: "TARGET_NOT_SEEN",
        message: `fresh state doesn't name ${given.target} as something to do this to`,
      };
    }
    return definition.guard(given);
  } catch (error) {
    return { code: "GUARD_FAILED", message: `the guard failed on fresh state: ${wordsOf(error)}` };
  }
}

export function parametersOf(action: Action, definition: Definition<never>): never {
  // The catalogue's own schema made them; only their type is unknown here.
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion
  return definition.parameters.parse(action.proposal.parameters) as never;
}

async function refuse(desk: Desk, { id }: Action, code: string, text: string): Promise<void> {
  await desk.book.step(id, () => ({ step: stepOf(desk, "refused", text, { code }) }));
}
