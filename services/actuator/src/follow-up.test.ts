import type { Action } from "@operator/contracts/action";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { Acting } from "./acting.fixture.ts";
import { actionLike } from "./action.fixture.ts";
import { deskOf } from "./desk.fixture.ts";
import type { Desk } from "./desk.ts";
import { followClaimed, followUnknown } from "./follow-up.ts";
import { Staged } from "./staged.fixture.ts";

let acting: Acting<Staged>;
let desk: Desk;
beforeAll(async () => {
  acting = await Acting.at(await Staged.start());
}, 60_000);
afterAll(async () => await acting[Symbol.asyncDispose]());
beforeEach(async () => {
  desk = await deskOf(acting, () => Promise.reject(new Error("reading back starts nothing")));
});

let n = 0;
/** An action for a node that is down, come to this state so long ago. */
async function actionIn(state: Action["state"], agoMs: number, given: Partial<Action> = {}): Promise<Action> {
  const target = `node-${++n}`;
  const ticket = await acting.place.broken(target);
  const action = actionLike({
    id: `${ticket.id}.1.1`,
    ticket: ticket.id,
    proposal: { ...actionLike().proposal, target },
    state,
    steps: [{ state, atMs: Date.now() - agoMs, by: "actuator-1", text: "" }],
    ...given,
  });
  await desk.book.propose(action);
  return action;
}

async function endOf({ id }: Action): Promise<string> {
  const now = await desk.book.get(id);
  return `${now?.state} ${now?.steps.at(-1)?.code ?? ""}`.trim();
}

test("a node that isn't up a moment after its start was lost may come up still; after 5 s it had no effect", async () => {
  const early = await actionIn("unknown", 3_000);
  await followUnknown(desk, early);
  expect(await endOf(early)).toBe("unknown");
  const late = await actionIn("unknown", 5_100);
  await followUnknown(desk, late);
  expect(await endOf(late)).toBe("failed NO_EFFECT");
});

test("what took effect counts at once, however late that is seen", async () => {
  for (const agoMs of [100, 50_000]) {
    const action = await actionIn("unknown", agoMs);
    acting.place.seen.set(action.proposal.target, "up");
    await followUnknown(desk, action);
    expect(await endOf(action)).toBe("executed READ_BACK");
  }
});

test("without an observer it's asked for a minute, and then nobody knows", { timeout: 30_000 }, async () => {
  await acting.place.silenceObserver();
  const [early, late] = [await actionIn("unknown", 50_000), await actionIn("unknown", 60_100)];
  await Promise.all([followUnknown(desk, early), followUnknown(desk, late)]);
  expect(await endOf(early)).toBe("unknown");
  expect(await endOf(late)).toBe("failed EFFECT_UNKNOWN");
  await acting.place.observe();
});

test("a claimant counts as dead 2 s after its claim ran out, not earlier", async () => {
  const claimed = async (agoMs: number) => {
    const untilMs = Date.now() - agoMs;
    const claim = { by: desk.context.instance, atMs: untilMs - 38_000, untilMs };
    const action = await actionIn("claimed", 38_000 + agoMs, { claim });
    await followClaimed(desk, action);
    return await endOf(action);
  };
  expect(await claimed(1_000)).toBe("claimed");
  expect(await claimed(2_100)).toBe("unknown CLAIMANT_SILENT");
});
