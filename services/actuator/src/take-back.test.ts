import type { Action } from "@operator/contracts/action";
import { Control, controlKey } from "@operator/contracts/control";
import { Silence } from "@operator/contracts/silence";
import type { Ticket } from "@operator/contracts/ticket";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { Acting, type Person } from "./acting.fixture.ts";
import { actionLike } from "./action.fixture.ts";
import { deskOf } from "./desk.fixture.ts";
import type { Desk } from "./desk.ts";
import { Staged } from "./staged.fixture.ts";
import { takeBack } from "./take-back.ts";

let acting: Acting<Staged>;
let ada: Person;
let term: number;
beforeAll(async () => {
  acting = await Acting.at(await Staged.start());
  ada = acting.person("ada");
  term = await acting.execute(ada);
}, 60_000);
afterAll(async () => await acting[Symbol.asyncDispose]());

let desk: Desk;
let ticket: Ticket;
let action: Action;
const started: string[] = [];
let n = 0;
/** A node that was drained, which didn't help: the undo starts it again. */
beforeEach(async () => {
  started.length = 0;
  desk = await deskOf(acting, (target) => Promise.resolve(void started.push(target)));
  const target = `node-${++n}`;
  ticket = await acting.place.broken(target);
  action = actionLike({
    id: `${ticket.id}.1.1`,
    ticket: ticket.id,
    proposal: { action: "drain_node", target, parameters: {}, why: "a test" },
    state: "unverified",
    approval: { by: "ada", term, atMs: 1 },
  });
  await desk.book.propose(action);
});

async function takenBack(): Promise<string> {
  await takeBack(desk, action);
  const now = await desk.book.get(action.id);
  return `${now?.state} ${now?.steps.at(-1)?.code ?? ""}, ${started.length} started`;
}

test("what didn't help is taken back once, and nothing is in flight then", async () => {
  expect(await takenBack()).toBe("undone , 1 started");
  expect(await takenBack()).toBe("undone , 1 started");
  expect((await acting.control.get(controlKey))?.value.inFlight).toEqual({});
});

test("an undo that fails says so, and a person has to look", async () => {
  desk = await deskOf(acting, () => Promise.reject(new Error("no such member")));
  expect(await takenBack()).toBe("failed UNDO_FAILED, 0 started");
  expect(await desk.book.get(action.id)).toMatchObject({ escalated: true });
});

test("nothing is taken back while another takes it back", async () => {
  const atMs = Date.now();
  const inFlight = { ratelimiter: { action: action.id, by: "actuator-0", claimedAtMs: atMs, untilMs: atMs + 9_000 } };
  await acting.control.change(controlKey, (now) => Control.parse({ ...now, inFlight }));
  expect(await takenBack()).toBe("unverified , 0 started");
  await acting.control.change(controlKey, (now) => now && { ...now, inFlight: {} });
});

test("nothing is taken back while the ticket is held, or its target silenced", async () => {
  await acting.place.change(ticket, { held: true });
  expect(await takenBack()).toBe("unverified , 0 started");
  await acting.place.change(ticket, { held: false });
  const atMs = Date.now();
  const about = { id: "0000bbbb", subject: ticket.subject, target: ticket.target, by: "ada", reason: "a drill" };
  const silences = await acting.cli.bucket("silences", Silence);
  await silences.create(about.id, Silence.parse({ ...about, atMs, untilMs: atMs + 60_000 }));
  expect(await takenBack()).toBe("unverified , 0 started");
  await silences.remove(about.id);
  expect(await takenBack()).toBe("undone , 1 started");
});

test("what was approved in a term that ended isn't taken back, which is said", async () => {
  term = await acting.execute(ada);
  expect(await takenBack()).toBe("failed UNDO_NOT_ALLOWED, 0 started");
});
