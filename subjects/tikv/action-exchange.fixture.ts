import { ask, stateWith } from "./action-state.fixture.ts";
import { playPd, type Script } from "./pd-exchange.fixture.ts";

export const api = "/pd/api/v1";

export const hands = (environment: Record<string, string>) => ({
  environment,
  start: () => Promise.reject(new Error("nothing is to be started")),
});
export const inTime = () => AbortSignal.timeout(5_000);

/** Carries an action out against a script: what came of it, and what PD was asked to change. */
export async function carryOut(script: Script, name: string, target: string, parameters: unknown, state = stateWith()) {
  await using pd = await playPd(script);
  const { action, given } = ask(name, state, target, parameters);
  const done = await action.execute(given, hands(pd.environment), inTime()).then(
    (value) => ({ ...value, error: undefined }),
    (error: unknown) => ({ effect: undefined, before: undefined, error }),
  );
  return { ...done, writes: pd.writes(), callers: pd.callers(), reads: pd.reads() };
}

/** Takes it back. */
export async function takeBack(script: Script, name: string, target: string, parameters: unknown, before: never) {
  await using pd = await playPd(script);
  const { action, given } = ask(name, stateWith(), target, parameters);
  const { undo } = action;
  if (!undo) throw new Error(`${name} has no undo`);
  const text = await undo({ ...given, before }, hands(pd.environment), inTime());
  return { text, writes: pd.writes(), callers: pd.callers() };
}

// What `execute` gave as `before` is JSON of any kind to the actuator.
// oxlint-disable-next-line typescript/no-unsafe-type-assertion
export const before = (value: unknown) => value as never;
