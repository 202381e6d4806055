import type { Action } from "@operator/contracts/action";
import { controlKey } from "@operator/contracts/control";
import type { Program } from "@operator/stack/program";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Acting, type Person } from "./acting.fixture.ts";
import { Staged } from "./staged.fixture.ts";

let acting: Acting<Staged>;
let staged: Staged;
let ada: Person;
let first: Program;
beforeAll(async () => {
  staged = await Staged.start();
  acting = await Acting.at(staged);
  ada = acting.person("ada");
  first = await acting.actuator();
}, 60_000);
afterAll(async () => await acting[Symbol.asyncDispose]());

let n = 0;
type State = "proposed" | "approved" | "executing" | "executed";

/** An action that has come to this state. */
async function actionIn(state: State): Promise<Action> {
  const node = `node-${++n}`;
  // Its start takes long enough to be caught in the middle of it.
  if (state === "executing") staged.slowS.set(node, 2);
  const ticket = await staged.broken(node);
  if (state === "approved") await staged.change(ticket, { held: true });
  const action = await acting.proposed(ticket, { action: "restart_node", target: node, parameters: {} });
  if (state === "proposed") return action;
  await acting.say(ada, action);
  const there = await acting.action(action.id, state === "executing" ? "claimed" : state);
  // Between its last step and the end of its claim it's named still.
  if (state === "executed") await acting.settled();
  return there;
}

/** What became of the actuator when the switch is pressed. */
const hows = ["is alive", "is stopped", "was killed", "is there twice"] as const;
const states = ["proposed", "approved", "executed", "executing"] as const;
// Who is killed while it executes leaves a claim for 40 s: that one comes last.
const cases = states
  .flatMap((state) => hows.map((how) => [state, how] as const))
  .sort(([, a], [, b]) => Number(a === "was killed") - Number(b === "was killed"));

test.for(cases)(
  "an action is %s and the actuator %s: after the kill switch nothing is claimed",
  { timeout: 90_000 },
  async ([state, how]) => {
    await acting.execute(ada);
    if (!first.running) first = await acting.actuator();
    // Before the action, which takes no longer than a start may on a busy machine.
    const others = how === "is there twice" ? [await acting.actuator()] : [];
    const action = await actionIn(state);
    // An actuator that is killed is started again only after the switch: nobody needs one for it.
    if (how === "was killed") await first.kill();
    if (how === "is stopped") first.signal("SIGSTOP");

    const pressedMs = performance.now();
    const control = await acting.killSwitch();
    const tookMs = performance.now() - pressedMs;
    process.stdout.write(`kill switch, action ${state}, actuator ${how}: acknowledged after ${tookMs.toFixed(1)} ms\n`);
    expect(tookMs).toBeLessThan(1_000);

    const inFlight = state === "executing" ? [action.id] : [];
    expect(Object.values(control.inFlight).map((each) => each.action)).toEqual(inFlight);

    // What waits is let go, and approved in vain.
    await staged.change(await acting.ticketOf(action), { held: false });
    if (state === "proposed") await acting.say(ada, action);
    if (how === "is stopped") first.signal("SIGCONT");
    if (how === "was killed") first = await acting.actuator();
    if (state === "approved") {
      expect((await acting.action(action.id, "cancelled")).steps.at(-1)?.code).toBe("MODE_OBSERVE");
    }
    await acting.beats();

    await acting.until("the switch is in the audit", async () =>
      (await acting.notes("mode_changed")).find(({ text }) => text.startsWith(`observe, term ${control.term}:`)),
    );
    const after = (await acting.actions.get(action.id))?.value;
    const claims = (after?.steps ?? []).filter((step) => step.state === "claimed");
    expect(claims.filter(({ atMs }) => atMs > control.atMs)).toEqual([]);
    expect(claims).toHaveLength(state === "executing" || state === "executed" ? 1 : 0);
    const { inFlight: named = {} } = (await acting.control.get(controlKey))?.value ?? {};
    // Named is exactly what isn't settled.
    const isSettled = after?.state !== "claimed" && after?.state !== "unknown";
    expect(Object.values(named).map((each) => each.action)).toEqual(isSettled ? [] : [action.id]);
    if (how !== "was killed") {
      // Its claimant ends what it began, and only then nothing is named any more.
      await acting.settled();
      const settled = (await acting.actions.get(action.id))?.value;
      const expected = { proposed: "proposed", approved: "cancelled", executing: "executed", executed: "executed" };
      expect(settled?.state).toBe(expected[state]);
      expect(staged.startsOf(action.proposal.target)).toBe(claims.length);
    }
    for (const actuator of others) await actuator.kill();
  },
);
