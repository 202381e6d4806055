import type { Action } from "@operator/contracts/action";
import { contextOf } from "@operator/service/context.fixture";
import type { Action as Definition, ActionHands } from "@operator/subject/action";
import { afterAll, beforeAll, expect, test } from "vitest";
import { actionLike } from "./action.fixture.ts";
import { Book } from "./book.ts";
import { execute } from "./execute.ts";
import { actingRooms } from "./rooms.ts";
import { Staged } from "./staged.fixture.ts";

let staged: Staged;
beforeAll(async () => {
  staged = await Staged.start();
  await staged.broken("node-a");
}, 60_000);
afterAll(async () => await staged[Symbol.asyncDispose]());

let n = 0;
/** Executes an action at node-a that was claimed until then. Gives what it came to, and what was asked of the supervisor. */
async function executed(
  untilMs: number,
  given: { action?: string; target?: string; parameters?: Record<string, string> } = {},
  change: (definition: Definition<never>, about: { book: Book; action: Action }) => Definition<never> = (definition) =>
    definition,
) {
  const context = contextOf(await staged.connect("actuator"), new AbortController().signal);
  const book = await Book.open(context.bus, { log: context.log, isSettled: () => Promise.resolve(false) });
  const room = actingRooms();
  const started: string[] = [];
  const hands: ActionHands = {
    environment: {},
    start: (target) => {
      started.push(target);
      return Promise.resolve();
    },
  };
  const like = actionLike();
  const action = actionLike({
    id: `${like.ticket}.1.${++n}`,
    proposal: { ...like.proposal, ...given },
    state: "claimed",
    claim: { by: context.instance, atMs: Date.now(), untilMs },
  });
  await book.propose(action);
  const definition = (await room(action.subject)).actions.get(action.proposal.action);
  if (!definition) throw new Error(`no action ${action.proposal.action}`);
  await execute({ book, context, room, hands }, action, change(definition, { book, action }));
  return { ended: await book.get(action.id), started };
}

test("what is claimed for long enough is done", async () => {
  const { ended, started } = await executed(Date.now() + 38_000);
  expect(ended).toMatchObject({ state: "executed" });
  expect(started).toEqual(["node-a"]);
});

test("a claimant that wakes up late, when others count it as dead, begins nothing", async () => {
  // 30 s are for the effect itself.
  const { ended, started } = await executed(Date.now() + 29_000);
  expect(ended?.steps.at(-1)).toMatchObject({ state: "refused", code: "CLAIM_TOO_OLD" });
  expect(started).toEqual([]);
});

test("an action that says for certain that it did nothing is refused with its code", async () => {
  const notify = { action: "notify", parameters: { text: "look" } };
  const { ended } = await executed(Date.now() + 60_000, notify);
  expect(ended?.steps.at(-1)).toMatchObject({ state: "refused", code: "WEBHOOK_MISSING" });
});

test("what an undo needs is written down before the effect begins", async () => {
  let seen: Action | undefined;
  const { ended } = await executed(Date.now() + 60_000, {}, (definition, { book, action }) => ({
    ...definition,
    execute: async ({ keep }) => {
      await keep({ was: 4 });
      seen = await book.get(action.id);
      return { effect: "done" };
    },
  }));
  expect(seen).toMatchObject({ state: "claimed", before: { was: 4 }, revision: 1 });
  expect(ended).toMatchObject({ state: "executed", before: { was: 4 }, revision: 2 });
});

test("who finds when it writes that down that others count it as dead begins nothing", async () => {
  const effects: string[] = [];
  const { ended } = await executed(Date.now() + 60_000, {}, (definition, { book, action }) => ({
    ...definition,
    execute: async ({ keep }) => {
      const step = { state: "unknown" as const, atMs: Date.now(), by: "actuator-2", text: "said nothing since" };
      await book.step(action.id, () => ({ step }));
      await keep({ was: 4 });
      effects.push("begun");
      return { effect: "done" };
    },
  }));
  expect(ended).toMatchObject({ state: "unknown" });
  expect(ended?.before).toBeUndefined();
  expect(effects).toEqual([]);
});

test("nothing is done to a target that fresh state doesn't name", async () => {
  const { ended, started } = await executed(Date.now() + 60_000, { target: "node-x" }, (definition) => ({
    ...definition,
    needs: () => [],
  }));
  expect(ended?.steps.at(-1)).toMatchObject({ state: "refused", code: "TARGET_NOT_SEEN" });
  expect(started).toEqual([]);
});

test("nothing is done when what the guard reads was lost from sight after the claim", async () => {
  const { ended, started } = await executed(Date.now() + 60_000, { target: "node-x" });
  expect(ended?.steps.at(-1)).toMatchObject({ state: "refused", code: "STATE_UNKNOWN" });
  expect(started).toEqual([]);
});

test("a guard that fails on fresh state refuses", async () => {
  const guard = () => {
    throw new Error("no such field");
  };
  const { ended, started } = await executed(Date.now() + 60_000, {}, (definition) => ({ ...definition, guard }));
  expect(ended?.steps.at(-1)).toMatchObject({ state: "refused", code: "GUARD_FAILED" });
  expect(started).toEqual([]);
});

test("nothing is begun when the observer fell silent after the claim", async () => {
  await staged.silenceObserver();
  const { ended, started } = await executed(Date.now() + 60_000);
  expect(ended?.steps.at(-1)).toMatchObject({ state: "refused", code: "STATE_UNKNOWN" });
  expect(started).toEqual([]);
  await staged.observe();
});
