import type { Received } from "@operator/bus/received";
import type { Action } from "@operator/contracts/action";
import type { Approval } from "@operator/contracts/approval";
import { flow } from "@operator/contracts/flow";
import { InstanceName } from "@operator/contracts/names";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { Acting, type Person } from "./acting.fixture.ts";
import { actionLike } from "./action.fixture.ts";
import { takeApproval } from "./approve.ts";
import { carryOut } from "./carry-out.ts";
import { deskOf } from "./desk.fixture.ts";
import type { Desk } from "./desk.ts";
import { Staged } from "./staged.fixture.ts";
import { withStep } from "./steps.ts";

let acting: Acting<Staged>;
let ada: Person;
let desk: Desk;
const started: string[] = [];
beforeAll(async () => {
  acting = await Acting.at(await Staged.start());
  ada = acting.person("ada");
  await acting.execute(ada);
}, 60_000);
afterAll(async () => await acting[Symbol.asyncDispose]());
beforeEach(async () => {
  started.length = 0;
  desk = await deskOf(acting, (target) => Promise.resolve(void started.push(target)));
});

const hourMs = 3_600_000;
const by = InstanceName.parse("actuator-1");
const begunAgo = (agoMs: number) => ({ by, atMs: Date.now() - agoMs, untilMs: Date.now() - agoMs + 1 });

/** What ada says of an action, as the actuator reads it. */
async function wordAbout(action: Action): Promise<Received<Approval>> {
  await acting.say(ada, action);
  const received = await desk.context.bus.last(flow.approval, `operator.approval.${action.id}`);
  if (!received) throw new Error("no approval");
  return received;
}

test("what is settled leaves the memory, also at the start, and what isn't stays", async () => {
  const settled = actionLike({ id: "ratelimiter.node_down.old.1.1.1", state: "verified", claim: begunAgo(hourMs) });
  const recent = actionLike({ id: "ratelimiter.node_down.new.1.1.1", state: "verified", claim: begunAgo(60_000) });
  for (const action of [settled, recent]) await desk.book.propose(action);
  await desk.book.refresh();
  expect(desk.book.all().map(({ id }) => id)).toEqual([recent.id]);
  const restarted = await deskOf(acting, () => Promise.resolve());
  expect(restarted.book.all().map(({ id }) => id)).toEqual([recent.id]);
  expect(await desk.book.propose(settled), "its id is taken for ever").toBeUndefined();
  expect(await desk.book.get(settled.id)).toMatchObject({ state: "verified" });
});

test("a word about an action that left the memory is refused as before: replayed, or too late", async () => {
  const action = actionLike({ id: "ratelimiter.node_down.done.1.1.1", expiresAtMs: Date.now() + hourMs });
  await desk.book.propose(action);
  const word = await wordAbout(action);
  await takeApproval(desk, word);
  expect((await desk.book.get(action.id))?.state).toBe("approved");
  const claim = begunAgo(2 * hourMs);
  for (const state of ["claimed", "executed", "verified"] as const) {
    const step = { state, atMs: Date.now(), by: "actuator-1", text: "" };
    await desk.book.step(action.id, () => ({ step, changes: { claim } }));
  }
  await desk.book.refresh();
  expect(desk.book.has(action.id)).toBe(false);

  await takeApproval(desk, { ...word, sequence: word.sequence + 1_000 });
  await takeApproval(desk, await wordAbout(action));
  expect((await acting.notes("approval_refused")).map(({ code }) => code)).toEqual([
    "STATEMENT_REPLAYED",
    "STATE_MISMATCH",
  ]);
  expect((await desk.book.get(action.id))?.state).toBe("verified");
});

test("what was begun within its cool-down is in mind, so the same is refused", async () => {
  const ticket = await acting.place.broken("node-1");
  const like = actionLike();
  const given = { ticket: ticket.id, proposal: { ...like.proposal, target: "node-1" } };
  await desk.book.propose(actionLike({ ...given, id: `${ticket.id}.1.1`, state: "verified", claim: begunAgo(5_000) }));
  await desk.book.refresh();
  const approval = { by: "ada", term: (await desk.control.read()).term, atMs: Date.now() };
  const again = actionLike({
    ...given,
    id: `${ticket.id}.2.1`,
    state: "approved",
    approval,
    expiresAtMs: Date.now() + hourMs,
  });
  await desk.book.propose(again);
  await carryOut(desk, again);
  expect((await desk.book.get(again.id))?.steps.at(-1)?.code).toBe("COOL_DOWN");
  expect(started).toEqual([]);
});

test("of two steps at the same time one is made, and who comes second looks again", async () => {
  const action = actionLike({ id: "ratelimiter.node_down.raced.1.1.1" });
  await desk.book.propose(action);
  const stepTo = (state: Action["state"]) => ({ state, atMs: Date.now(), by, text: "" });
  const rejected = withStep(action, stepTo("rejected"));
  const seen: string[] = [];
  const approved = await desk.book.step(action.id, ({ state }) => {
    seen.push(state);
    // It was looked at and isn't written yet; what this connection sends now comes before that.
    const { connection } = desk.context.bus.link;
    if (seen.length === 1) connection.publish(`$KV.actions.${action.id}`, JSON.stringify(rejected));
    return { step: stepTo("approved") };
  });
  expect(approved).toBeUndefined();
  expect(seen).toEqual(["proposed", "rejected"]);
  expect((await desk.book.get(action.id))?.state).toBe("rejected");
});
