import type { Json } from "@operator/contracts/json";
import { ask, stateWith } from "./action-state.fixture.ts";
import { playPd, type Script, v8 } from "./pd-exchange.fixture.ts";
import type { State } from "./state.ts";

export const api = "/pd/api/v1";

export const hands = (environment: Record<string, string>) => ({
  environment,
  start: () => Promise.reject(new Error("nothing is to be started")),
});
/** `GET /leader` when this member leads. */
export const ledBy = (name: string) => ({ ...v8("leader"), body: v8("leader").body.replace("pd2", name) });
export const inTime = () => AbortSignal.timeout(5_000);

/**
 * Carries an action out against a script: what came of it, what it kept for an undo, and what PD was asked to change. An
 * error stands for a record that can't be written.
 */
export async function carryOut(
  script: Script,
  name: string,
  target: string,
  parameters: unknown,
  { state = stateWith(), unkept }: { state?: State; unkept?: Error } = {},
) {
  await using pd = await playPd(script);
  const { action, given } = ask(name, state, target, parameters);
  let kept: Json | undefined;
  const keep = (value: Json) => {
    kept = value;
    return unkept ? Promise.reject(unkept) : Promise.resolve();
  };
  const done = await action.execute({ ...given, keep }, hands(pd.environment), inTime()).then(
    (value) => ({ ...value, error: undefined }),
    (error: unknown) => ({ effect: undefined, error }),
  );
  return { ...done, kept, writes: pd.writes(), callers: pd.callers(), reads: pd.reads() };
}

/** Takes it back. */
export async function takeBack(
  script: Script,
  name: string,
  target: string,
  parameters: unknown,
  before: Json | undefined,
) {
  await using pd = await playPd(script);
  const { action, given } = ask(name, stateWith(), target, parameters);
  const { undo } = action;
  if (!undo) throw new Error(`${name} has no undo`);
  const text = await undo({ ...given, before }, hands(pd.environment), inTime());
  return { text, writes: pd.writes(), callers: pd.callers() };
}
