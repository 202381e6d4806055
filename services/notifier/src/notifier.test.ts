import { replay } from "@operator/bus/dead-letters";
import { flow } from "@operator/contracts/flow";
import { Silence } from "@operator/contracts/silence";
import type { Ticket } from "@operator/contracts/ticket";
import { contextOf } from "@operator/service/context.fixture";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Notifiers, until } from "./notifier.fixture.ts";
import { run } from "./run.ts";
import { closed, ticketOf } from "./ticket.fixture.ts";

// One bus and one receiver for all; each test has a target of its own.
let loop: Notifiers;
beforeAll(async () => {
  loop = await Notifiers.start();
  await loop.notifier({ OPERATOR_WEBHOOK_TIMEOUT_MS: "500" });
});
afterAll(async () => await loop[Symbol.asyncDispose]());

async function say(...tickets: Ticket[]) {
  const ticketer = await loop.as("ticketer");
  for (const ticket of tickets) await ticketer.publish(flow.ticket, ticket);
}

const idOf = (target: string, type: string) => `s.node_down.${target}.1:ticket.${type}`;
const opened = (target: string) => ticketOf(target, 1, ["first-seen"]);
const letterOf = async (target: string) =>
  (await loop.deadLetters()).find(({ address }) => address.includes(`.${target}.`));

test("opened, escalated and closed are told once each, in this order, signed", async () => {
  await say(
    opened("each"),
    ticketOf("each", 2, ["diagnosed"]),
    ticketOf("each", 3, ["escalated"]),
    ticketOf("each", 4, ["cleared"], closed),
    ticketOf("each", 5, ["commented"], closed),
    opened("after"),
  );
  await until("all is told", () => loop.receiver.of("each").length >= 3 && loop.receiver.of("after").length >= 1);
  const got = loop.receiver.of("each");
  expect(got.map(({ id }) => id)).toEqual(["opened", "escalated", "closed"].map((type) => idOf("each", type)));
  expect(got.every(({ genuine }) => genuine)).toBe(true);
});

test("what is answered 500 is told again as itself, before what came later of its ticket", async () => {
  loop.receiver.answer = (_, nth) => (nth < 3 ? 500 : 200);
  await say(opened("busy"), ticketOf("busy", 2, ["cleared"], closed));
  await until("it's told", () => loop.receiver.of("busy").length === 6);
  const got = loop.receiver.of("busy");
  const ids = [...Array<string>(3).fill(idOf("busy", "opened")), ...Array<string>(3).fill(idOf("busy", "closed"))];
  expect(got.map(({ id }) => id)).toEqual(ids);
  expect(new Set(got.slice(0, 3).map(({ body }) => body)).size).toBe(1);
  expect(got.every(({ genuine }) => genuine)).toBe(true);
});

test("after the last try it's a dead letter, whose replay tells it", async () => {
  loop.receiver.answer = () => 503;
  await say(opened("gone"));
  await until("it's a dead letter", async () => (await letterOf("gone")) !== undefined);
  expect(loop.receiver.of("gone").length).toBe(3);
  const letter = await letterOf("gone");
  if (!letter) throw new Error("until lets no undefined through");
  expect(letter).toMatchObject({
    service: "notifier",
    channel: "ticket",
    code: "WEBHOOK_FAILED",
    sequence: expect.any(Number),
  });
  expect(letter.reason).toBe(`${idOf("gone", "opened")}: try 3 of 3: the receiver answered 503`);

  loop.receiver.answer = () => 204;
  await replay(await loop.as("provision"), letter, 1);
  await until("it's told", () => loop.receiver.of("gone").length === 4);
  expect(loop.receiver.of("gone").at(-1)).toMatchObject({ id: idOf("gone", "opened"), genuine: true });
});

test.each([
  ["410 ends it at once", "finished", 410, 1],
  ["a redirect isn't followed", "moved", 307, 3],
])("%s", async (_, target, status, tries) => {
  loop.receiver.answer = () => status;
  await say(opened(target));
  await until("it's a dead letter", async () => (await letterOf(target)) !== undefined);
  expect(loop.receiver.of(target).map(({ path }) => path)).toEqual(Array<string>(tries).fill("/hook"));
});

test("a receiver that says nothing of one ticket holds up no other", async () => {
  loop.receiver.answer = ({ id }) => (id.includes(".slow.") ? "nothing" : 204);
  await say(opened("slow"), opened("quick"));
  await until("the other is told", () => loop.receiver.of("quick").length === 1);
  expect(loop.receiver.of("slow").length).toBeLessThanOrEqual(1);
  await until("it's given up", async () => (await letterOf("slow")) !== undefined);
  expect((await letterOf("slow"))?.reason).toContain("no answer within 500 ms");
});

test("an answer is its status: of a body that never ends, little is read", async () => {
  loop.receiver.answer = () => "endless";
  await say(opened("wordy"));
  await until("the connection is closed", () => loop.receiver.endless.closed === 1);
  expect(loop.receiver.endless.bytes).toBeLessThan(4 * 1024 * 1024);
  expect(await letterOf("wordy")).toBeUndefined();
});

test("of what is silenced nobody is told, and it's no dead letter", async () => {
  loop.receiver.answer = () => 204;
  const nowMs = Date.now();
  const about = { id: "0000aaaa", subject: "s", target: "known", by: "ada", reason: "a drill" };
  const silence = Silence.parse({ ...about, atMs: nowMs, untilMs: nowMs + 60_000 });
  const silences = await (await loop.as("cli")).bucket("silences", Silence);
  await silences.create(silence.id, silence);
  await say(opened("known"));
  await say(opened("unknown"));
  await until("another is told", () => loop.receiver.of("unknown").length === 1);
  await silences.remove(silence.id);
  await say(ticketOf("known", 2, ["cleared"], closed));
  await until("what comes after the silence is told", () => loop.receiver.of("known").length === 1);
  expect(loop.receiver.of("known")[0]?.id).toBe(idOf("known", "closed"));
  expect(await letterOf("known")).toBeUndefined();
});

test("killed before or after a post, it loses nothing, and tells again only as itself", async () => {
  await using own = await Notifiers.start();
  const ticketer = await own.as("ticketer");
  for (const [point, posts] of [
    ["before", 1],
    ["after", 2],
  ] as const) {
    const victim = await own.notifier({ OPERATOR_FAILPOINT: `${point} webhook:ticket.opened#1` });
    await ticketer.publish(flow.ticket, opened(point));
    await victim.exited;
    expect(victim.ending).toBe("SIGKILL");
    const heir = await own.notifier();
    await until("it's told", () => own.receiver.of(point).length === posts);
    const got = own.receiver.of(point);
    expect(new Set(got.map(({ id, body }) => `${id} ${body}`)).size).toBe(1);
    expect(got[0]).toMatchObject({ id: idOf(point, "opened"), genuine: true });
    await heir.stop();
  }
  // Stopped in order, it knows what it has told.
  await own.notifier();
  await ticketer.publish(flow.ticket, opened("last"));
  await until("the last is told", () => own.receiver.of("last").length === 1);
  expect(own.receiver.got.length).toBe(4);
});

test("a first start tells nobody of what is long over", async () => {
  await using own = await Notifiers.start();
  const ticketer = await own.as("ticketer");
  await ticketer.publish(flow.ticket, opened("old"));
  const publishedAtMs = Date.now();
  await until("the clock goes on", () => Date.now() > publishedAtMs + 1);
  const stop = new AbortController();
  const ready = Promise.withResolvers<void>();
  const context = contextOf(await own.as("notifier"), stop.signal);
  const told: string[] = [];
  const running = run(
    { ...context, ready: (isReady) => isReady && ready.resolve() },
    { tries: 1, retryMs: 1, lookBackMs: 0, post: async ({ id }) => (told.push(id), "delivered") },
  );
  await ready.promise;
  await ticketer.publish(flow.ticket, opened("new"));
  await until("the new one is told", () => told.length > 0);
  stop.abort();
  await running;
  expect(told).toEqual([idOf("new", "opened")]);
});
