import type { Action } from "@operator/contracts/action";
import { Control, controlKey } from "@operator/contracts/control";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { Acting } from "./acting.fixture.ts";
import { actionLike } from "./action.fixture.ts";
import { Book } from "./book.ts";
import { carryOut } from "./carry-out.ts";
import { deskOf } from "./desk.fixture.ts";
import type { Desk } from "./desk.ts";
import { Staged } from "./staged.fixture.ts";

let acting: Acting<Staged>;
let term: number;
beforeAll(async () => {
  acting = await Acting.at(await Staged.start());
  term = await acting.execute(acting.person("ada"));
}, 60_000);
afterAll(async () => await acting[Symbol.asyncDispose]());

let desk: Desk;
const started: string[] = [];
beforeEach(async () => {
  started.length = 0;
  desk = await deskOf(acting, (target) => Promise.resolve(void started.push(target)));
});

let n = 0;
/** An action for a broken node, approved and not begun. */
async function approved(given: Parameters<typeof actionLike>[0] = {}): Promise<Action> {
  const node = `node-${++n}`;
  const ticket = await acting.place.broken(node);
  const like = actionLike();
  const action = actionLike({
    id: `${ticket.id}.1.1`,
    ticket: ticket.id,
    proposal: { ...like.proposal, target: node },
    state: "approved",
    approval: { by: "ada", term, atMs: Date.now() },
    expiresAtMs: Date.now() + 60_000,
    ...given,
  });
  await desk.book.propose(action);
  return action;
}

/** What became of it, and whether it was begun. */
async function carriedOut(action: Action): Promise<string> {
  await carryOut(desk, action);
  const last = (await desk.book.get(action.id))?.steps.at(-1);
  return `${(await desk.book.get(action.id))?.state} ${last?.code ?? ""}, ${started.length} begun`;
}

/** Writes a claim into `control`, as an actuator did that died before it could say so in the action. */
async function claimed(action: string, agoMs: number): Promise<void> {
  const claimedAtMs = Date.now() - agoMs;
  const inFlight = { ratelimiter: { action, by: "actuator-0", claimedAtMs, untilMs: claimedAtMs + 38_000 } };
  await acting.control.change(controlKey, (now) => Control.parse({ ...now, inFlight }));
}

test("an approved action is begun once, and then it isn't in flight any more", async () => {
  const action = await approved();
  expect(await carriedOut(action)).toBe("executed , 1 begun");
  expect((await acting.control.get(controlKey))?.value.inFlight).toEqual({});
  expect(await carriedOut(action)).toBe("executed , 1 begun");
});

test("what another actuator began since this one last looked counts", async () => {
  const action = await approved();
  const { log, bus } = desk.context;
  const elsewhere = await Book.open(bus, { log, isSettled: () => Promise.resolve(false) });
  const claim = { by: desk.context.instance, atMs: Date.now(), untilMs: Date.now() + 38_000 };
  await elsewhere.propose(actionLike({ ...action, id: `${action.ticket}.2.1`, state: "verified", claim }));
  expect(await carriedOut(action)).toBe("refused COOL_DOWN, 0 begun");
});

test("a claim whose claimant died before anything began is taken over after 5 s, not earlier", async () => {
  const action = await approved();
  await claimed(action.id, 3_000);
  expect(await carriedOut(action)).toBe("approved , 0 begun");
  await claimed(action.id, 6_000);
  expect(await carriedOut(action)).toBe("executed , 1 begun");
});

test("nothing is begun while another action of the subject is in flight, however long", async () => {
  const [action, other] = [await approved(), await approved()];
  await claimed(other.id, 3_600_000);
  expect(await carriedOut(action)).toBe("approved , 0 begun");
  await acting.control.change(controlKey, (now) => now && { ...now, inFlight: {} });
});

test("what has expired isn't begun, whoever looks at it late", async () => {
  expect(await carriedOut(await approved({ expiresAtMs: Date.now() - 1 }))).toBe("approved , 0 begun");
  await acting.control.change(controlKey, (now) => now && { ...now, inFlight: {} });
});

test("an action that left the catalogue is refused", async () => {
  const proposal = { action: "mend_everything", target: "node-1", parameters: {}, why: "a test" };
  expect(await carriedOut(await approved({ proposal }))).toBe("refused CATALOGUE_MISSING, 0 begun");
});
