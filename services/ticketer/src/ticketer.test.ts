import { randomUUID } from "node:crypto";
import { addressOf } from "@operator/contracts/channel";
import { Command } from "@operator/contracts/command";
import { DiagnosisEvent } from "@operator/contracts/diagnosis";
import { flow } from "@operator/contracts/flow";
import { Snapshot } from "@operator/contracts/snapshot";
import { Ticket } from "@operator/contracts/ticket";
import { TargetName } from "@operator/contracts/names";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { z } from "zod";
import { diagnosis, violation } from "./events.fixture.ts";
import { Ticketers, until } from "./ticketers.fixture.ts";

// One bus and one ticketer for all; each test has a target of its own.
let loop: Ticketers;
beforeAll(async () => {
  loop = await Ticketers.start();
  await loop.ticketer();
});
afterAll(async () => await loop[Symbol.asyncDispose]());

const about = (target: string) => ({ target: TargetName.parse(target) });
const idOf = (target: string, generation = 1) => `ratelimiter.node_down.${target}.${generation}`;

async function say(...violations: ReturnType<typeof violation>[]) {
  const checker = await loop.as("checker");
  for (const said of violations) await checker.publish(flow.violation, said);
}

function ticketIs(target: string, what: string, isRight: (ticket: Ticket) => boolean, generation = 1): Promise<Ticket> {
  return until(
    `${target} is ${what}`,
    async () => (await loop.tickets()).find(({ id }) => id === idOf(target, generation)),
    (ticket) => ticket !== undefined && isRight(ticket),
  ).then((ticket) => {
    if (!ticket) throw new Error("until lets no undefined through");
    return ticket;
  });
}

const eventsOf = async (target: string) => (await loop.all(flow.ticket)).filter((ticket) => ticket.target === target);
const isSent = ({ sent, revision, attempts }: Ticket) => sent.revision === revision && sent.attempt >= attempts.length;

describe("a violation", () => {
  test("becomes a ticket with its event and its job, and closes when it clears", async () => {
    await say(violation(1, about("node-a")));
    const ticket = await ticketIs("node-a", "sent", isSent);
    expect(ticket).toMatchObject({ status: "open", diagnosis: "queued", revision: 1 });
    expect(await loop.job(ticket)).toMatchObject({ attempt: 1, ticket: ticket.id });
    expect(await eventsOf("node-a")).toMatchObject([{ revision: 1, reasons: ["first-seen"] }]);

    await say(violation(9, { ...about("node-a"), state: "cleared" }));
    await ticketIs("node-a", "sent as closed", (now) => now.status === "closed" && isSent(now));
    expect(await eventsOf("node-a")).toMatchObject([{ status: "open" }, { status: "closed", reasons: ["cleared"] }]);
  });

  test("that comes back after it cleared is the next generation, and the one before is kept", async () => {
    const again = { ...about("node-b"), sinceMs: 20_000 };
    await say(violation(1, about("node-b")), violation(9, { ...about("node-b"), state: "cleared" }));
    await say(violation(20, again), violation(29, { ...again, state: "cleared" }));
    await ticketIs("node-b", "closed", ({ status }) => status === "closed", 1);
    await ticketIs("node-b", "closed again", (now) => now.status === "closed" && isSent(now), 2);
    await ticketIs("node-b", "sent", isSent, 1);
  });

  test("that something may explain has its job 2 s later", async () => {
    await say(violation(1, { ...about("node-c"), mayBeExplained: true }));
    const waiting = await ticketIs("node-c", "told", ({ sent }) => sent.revision === 1);
    expect(waiting.sent.attempt).toBe(0);
    const ticket = await ticketIs("node-c", "sent", isSent);
    const queued = ticket.history.find(({ kind }) => kind === "queued");
    expect(queued?.atMs).toBeGreaterThanOrEqual(ticket.attempts[0]?.notBeforeMs ?? Infinity);
    expect(await loop.job(ticket)).toBeDefined();
  });

  test("that clears within these 2 s has none", async () => {
    await say(violation(1, { ...about("node-d"), mayBeExplained: true }));
    await ticketIs("node-d", "open", ({ status }) => status === "open");
    await say(violation(2, { ...about("node-d"), state: "cleared" }));
    const closed = await ticketIs("node-d", "closed", (now) => now.status === "closed" && isSent(now));
    // The next one's job waits as long from a later time: when it has gone, this one's would have.
    await say(violation(1, { ...about("node-e"), mayBeExplained: true }));
    await ticketIs("node-e", "sent", isSent);
    expect(await loop.job(closed)).toBeUndefined();
  });
});

describe("a command", () => {
  const send = async (command: object) => {
    const parsed = Command.parse({ id: randomUUID(), subject: "ratelimiter", by: "ada", atMs: Date.now(), ...command });
    await (await loop.as("cli")).publish(flow.command, parsed);
    return parsed.id;
  };

  test("has its outcome in a ticket event that carries its id", async () => {
    await say(violation(1, about("node-f")));
    await ticketIs("node-f", "sent", isSent);
    const id = await send({ kind: "resolve", ticket: idOf("node-f"), reason: "fine", force: false });
    const events = await until(
      "the outcome is told",
      () => eventsOf("node-f"),
      (tickets) => tickets.some(({ history }) => history.some(({ command }) => command === id)),
    );
    expect(events.at(-1)?.history.at(-1)).toMatchObject({ kind: "refused", code: "STILL_BROKEN", by: "ada" });
  });

  test("for a ticket that there isn't is a dead letter, and hinders nobody", async () => {
    const lost = await send({ kind: "comment", ticket: idOf("node-nowhere"), text: "hello?" });
    await say(violation(1, about("node-g")));
    await ticketIs("node-g", "open", ({ status }) => status === "open");
    await send({ kind: "acknowledge", ticket: idOf("node-g") });
    await ticketIs("node-g", "acknowledged", ({ acknowledgedBy }) => acknowledgedBy === "ada");
    const letters = await loop.all(flow.dead);
    expect(letters).toMatchObject([{ service: "ticketer", channel: "command", code: "UNKNOWN_TICKET", id: lost }]);
  });

  test("reaches a ticket whose next generation is open", async () => {
    await say(violation(1, about("node-h")), violation(9, { ...about("node-h"), state: "cleared" }));
    await say(violation(20, { ...about("node-h"), sinceMs: 20_000 }));
    await ticketIs("node-h", "sent", isSent, 2);
    await send({ kind: "comment", ticket: idOf("node-h"), text: "it was the cable" });
    await ticketIs(
      "node-h",
      "commented and told",
      (now) => isSent(now) && now.history.some(({ kind }) => kind === "commented"),
      1,
    );
    expect((await eventsOf("node-h")).at(-1)).toMatchObject({ generation: 1, reasons: ["commented"] });
  });
});

describe("a diagnosis", () => {
  const atMs = 1_700_000_000_000;
  const reading = { state: "refused", sinceMs: atMs, address: "127.0.0.1:1", code: "ECONNREFUSED" };
  const snapshot = Snapshot.parse({
    subject: "ratelimiter",
    epoch: 1,
    n: 1,
    atMs,
    cause: "change",
    sources: {},
    parts: { probe: { "node-x": reading } },
  });
  const address = addressOf(flow.evidence, snapshot);
  const firstBad = { address, atMs, pointers: ["/parts/probe/node-x/state"] };

  /** A fault that cites what the probe read of node-x. */
  const answer = (value: string) => ({
    ...diagnosis,
    answer: {
      ...diagnosis.answer,
      verdict: "fault",
      confidence: 0.9,
      rootCauses: [{ category: "crashed", target: "node-x", mechanism: "its port refuses", evidence: ["E1"] }],
      evidence: [{ id: "E1", quote: value, shows: "nobody listens" }],
    },
    facts: [{ id: "E1", address, pointer: "/parts/probe/node-x/state", value, atMs }],
  });

  async function tell(ticket: string, attempt: number, said: object) {
    const about = { subject: "ratelimiter", ticket, attempt, by: "diagnoser-1", atMs: Date.now() };
    await (await loop.as("diagnoser")).publish(flow.diagnosis, DiagnosisEvent.parse({ ...about, ...said }));
  }
  const finish = (generation: number, result: object, attempt = 1) =>
    tell(idOf("node-x", generation), attempt, { phase: "finished", result });

  test("that cites the evidence as it is, is done; one that doesn't is ungrounded", async () => {
    await (await loop.as("checker")).publish(flow.evidence, snapshot);
    await say(violation(1, { ...about("node-x"), firstBad }));
    await ticketIs("node-x", "sent", isSent);
    await finish(1, { kind: "done", diagnosis: answer("refused") });
    await ticketIs("node-x", "diagnosed", (now) => now.diagnosis === "done" && isSent(now));

    await say(violation(9, { ...about("node-x"), state: "cleared" }));
    await say(violation(20, { ...about("node-x"), sinceMs: 20_000, firstBad }));
    await ticketIs("node-x", "sent", isSent, 2);
    await finish(2, { kind: "done", diagnosis: answer("up") });
    const forged = await ticketIs("node-x", "refused", ({ diagnosis }) => diagnosis === "ungrounded", 2);
    expect(forged.attempts[0]?.rejections?.[0]).toMatchObject({ code: "FACT_DIFFERS" });
    expect(forged.escalated).toBe(true);
  });

  test("that waits for its model is shown to wait, until it's there", async () => {
    await say(violation(1, about("node-w")));
    await ticketIs("node-w", "sent", isSent);
    const ticket = idOf("node-w", 1);
    await tell(ticket, 1, { phase: "waiting", untilMs: Date.now() + 600_000, why: "it is overloaded (529)" });
    const waiting = await ticketIs("node-w", "waiting", (now) => now.diagnosis === "waiting" && isSent(now));
    expect(waiting.attempts).toMatchObject([{ status: "waiting", waiting: { why: "it is overloaded (529)" } }]);
    expect(waiting.history.at(-1)?.text).toBe("attempt 1 waits for the model, 600 s at most: it is overloaded (529)");
    await tell(ticket, 1, { phase: "finished", result: { kind: "done", diagnosis } });
    const done = await ticketIs("node-w", "diagnosed", (now) => now.diagnosis === "done");
    expect(done.attempts).toHaveLength(1);
  });

  test.each([
    ["of no ticket", "UNKNOWN_TICKET", 7, 1],
    ["by a fourth attempt", "UNKNOWN_ATTEMPT", 1, 4],
  ])("%s is a dead letter", async (_, code, generation, attempt) => {
    await finish(generation, { kind: "failed", code: "X", message: "x" }, attempt);
    const isIt = (letter: { channel: string; code: string }) => letter.channel === "diagnosis" && letter.code === code;
    await until(
      "the dead letter is there",
      () => loop.all(flow.dead),
      (all) => all.some(isIt),
    );
  });

  test("that cites what isn't evidence of its subject is ungrounded", async () => {
    await say(violation(29, { ...about("node-x"), sinceMs: 20_000, state: "cleared" }));
    await say(violation(40, { ...about("node-x"), sinceMs: 40_000, firstBad }));
    await ticketIs("node-x", "sent", isSent, 3);
    const { facts, ...rest } = answer("refused");
    const foreign = "operator.verdicts.ratelimiter.current";
    await finish(3, {
      kind: "done",
      diagnosis: { ...rest, facts: facts.map((fact) => ({ ...fact, address: foreign })) },
    });
    const forged = await ticketIs("node-x", "refused", ({ diagnosis }) => diagnosis === "ungrounded", 3);
    expect(forged.attempts[0]?.rejections?.[0]).toMatchObject({ code: "FACT_ADDRESS" });
  });
});

test("a ticket that can't be read stops what is said of it, and nothing else", async () => {
  await using own = await Ticketers.start();
  const raw = await (await own.as("ticketer")).bucket("tickets", z.unknown());
  await raw.create("ratelimiter.node_down.node-a", { nonsense: true });
  const checker = await own.as("checker");
  await checker.publish(flow.violation, violation(1));
  await checker.publish(flow.violation, violation(1, about("node-b")));
  await own.ticketer();
  const letters = await until(
    "the dead letter is there",
    () => own.all(flow.dead),
    (all) => all.length > 0,
  );
  expect(letters).toMatchObject([{ channel: "violation", code: "BAD_VALUE" }]);
  await until(
    "the other is told",
    () => own.all(flow.ticket),
    (events) => events.length === 1,
  );
}, 60_000);

test("what was read before a lost checkpoint is read again, and nothing is sent for it", async () => {
  await using own = await Ticketers.start();
  const first = await own.ticketer();
  const checker = await own.as("checker");
  for (const at of [1, 6, 11]) await checker.publish(flow.violation, violation(at, { changedAtMs: 1_000 }));
  await checker.publish(flow.violation, violation(20, { state: "cleared" }));
  for (const at of [40, 45])
    await checker.publish(flow.violation, violation(at, { sinceMs: 40_000, changedAtMs: 40_000 }));
  const isTold = (tickets: Ticket[]) =>
    tickets.length === 2 && tickets.every((ticket) => isSent(ticket)) && tickets[1]?.occurrences === 45;
  const before = await until("all is told", () => own.tickets(), isTold);
  await first.kill();
  const provision = await own.as("provision");
  const events = (await provision.streamState("TICKETS")).lastSequence;
  const ticketer = await own.as("ticketer");
  const written = await (await ticketer.bucket("tickets", Ticket)).entries();
  const checkpoints = await ticketer.bucket("checkpoints", z.unknown());
  for (const { key } of await checkpoints.entries()) await checkpoints.remove(key);
  await own.ticketer();
  expect(await own.tickets()).toEqual(before);
  expect(await (await ticketer.bucket("tickets", Ticket)).entries(), "not one write").toEqual(written);
  expect((await provision.streamState("TICKETS")).lastSequence).toBe(events);
}, 60_000);
