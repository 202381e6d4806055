import type { Action } from "./action.ts";
import { examineParameters } from "./exam-parameters.ts";
import { nowhere } from "./exam-samples.ts";
import { ActionShape } from "./exam-shapes.ts";
import type { Invariant } from "./invariant.ts";

/** The longest that the checker waits for a target to stay well before its violation clears. */
const holdMsMax = 60_000;

/** That the catalogue can be told to people and to a model, and that nothing in it throws before anything was read. */
export function examineActions(actions: readonly Action<never>[], invariants: readonly Invariant<never>[]): string[] {
  const names = actions.map(({ name }) => name);
  // How late a source may show that something is well again: what a rule needs to detect, beyond its grace.
  const seenMs = Math.max(0, ...invariants.map(({ graceMs, worstDetectionMs }) => worstDetectionMs - graceMs));
  return actions.flatMap((action, at) => {
    const about = `actions.ts: ${typeof action?.name === "string" ? action.name : `number ${at + 1}`}`;
    const shape = ActionShape.safeParse(action);
    if (!shape.success) {
      return shape.error.issues.map(({ path, message }) => `${about}: ${path.join(".")}: ${message}`);
    }
    const complaints: string[] = [];
    if (names.indexOf(action.name) !== at) complaints.push(`${about}: named twice`);
    if (action.verifyWithinMs <= holdMsMax + seenMs) {
      complaints.push(
        `${about}: verifyWithinMs ${action.verifyWithinMs} must be more than ${holdMsMax + seenMs}: a violation clears up to ` +
          `${holdMsMax} ms after it's seen to be well, which takes up to ${seenMs} ms`,
      );
    }
    return [...complaints, ...examineParameters(about, action.parameters), ...examineOnNothing(about, action)];
  });
}

/** On a state that has nothing nobody knows enough to act: the guard refuses, and nothing is done. */
function examineOnNothing(about: string, action: Action<never>): string[] {
  const needs = attempt(`${about}: needs`, () =>
    Array.isArray(action.needs(nowhere)) ? undefined : "gives no list of what the guard reads",
  );
  const onSparse = sparse.flatMap((state) => {
    const given = { state: never(state), target: nowhere, parameters: never(wildcard) };
    return [
      ...attempt(`${about}: targets`, () =>
        Array.isArray(action.targets(given.state)) ? undefined : "gives no list of targets",
      ),
      ...attempt(`${about}: guard`, () =>
        action.guard(given) ? undefined : "lets it be done where there's nothing to see: what isn't there is refused",
      ),
      ...attempt(`${about}: isDone`, () =>
        action.isDone(given) === true ? "says that it's done where there's nothing to see" : undefined,
      ),
    ];
  });
  return [...needs, ...onSparse];
}

/** Nothing was read; or every source is there, without this target. */
const sparse = [{}, new Proxy({}, { get: () => ({}) })];
/** Any parameter there may be, as a text: a guard looks at it before anything else only to compare. */
const wildcard = new Proxy({}, { get: () => "exam" });

/** Only the room knows the types of its state and parameters. */
function never(value: unknown): never {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion
  return value as never;
}

function attempt(about: string, run: () => string | undefined): string[] {
  try {
    const complaint = run();
    return complaint === undefined ? [] : [`${about}: ${complaint}`];
  } catch (error) {
    return [`${about}: throws where there's nothing to see: ${error instanceof Error ? error.message : String(error)}`];
  }
}
