import { Stack } from "@operator/stack/stack";
import { expect, test } from "vitest";
import { Witness } from "./witness.ts";

// Several of each service at once come to the same as one of each.

const accounts: Record<string, unknown> = {};

test.concurrent.each([
  ["one of each", { observer: 1, checker: 1, ticketer: 1, diagnoser: 1 }],
  [
    "two observers, three checkers, three ticketers, three diagnosers",
    { observer: 2, checker: 3, ticketer: 3, diagnoser: 3 },
  ],
])("%s: a killed node and a killed Redis are one ticket, one attempt and one diagnosis each", async (name, counts) => {
  await using stack = await Stack.start({ subject: "ratelimiter", counts });
  await using witness = new Witness(await stack.connect("cli"), stack.subject);
  await witness.allWell();
  for (const target of ["node-b", "redis"]) {
    const invariant = target === "redis" ? "redis_down" : "node_down";
    const member = stack.member(target);
    await member.kill();
    await witness.until("diagnosed", () => witness.ticket(invariant, target)?.diagnosis === "done");
    await member.restart();
    await witness.until("closed", () => witness.ticket(invariant, target)?.status === "closed", 60_000);
    await witness.allWell();
  }
  const stored = await witness.stored();
  const account = stored
    .map(({ id, status, closedBy, diagnosis, attempts, history }) => ({
      id,
      status,
      closedBy,
      diagnosis,
      attempts: attempts.map(({ attempt, status, diagnosis }) => [
        attempt,
        status,
        diagnosis?.answer.rootCauses.map(({ category, target }) => `${category} ${target}`),
      ]),
      // That a job was sent isn't noted when a diagnoser's word on it came first.
      history: history.map(({ kind }) => kind).filter((kind) => kind !== "queued"),
    }))
    .toSorted((one, other) => one.id.localeCompare(other.id));
  accounts[name] = account;
  expect(account.map(({ id, attempts }) => [id, attempts.length])).toEqual([
    ["ratelimiter.node_down.node-b.1", 1],
    ["ratelimiter.redis_down.redis.1", 1],
  ]);
  // One finished diagnosis per attempt is on the stream, and each revision of a ticket was told once.
  const finished = witness.diagnoses
    .filter(({ phase }) => phase === "finished")
    .map(({ ticket, attempt }) => `${ticket}:${attempt}`);
  expect(finished.toSorted()).toEqual([...new Set(finished)].toSorted());
  expect(finished).toHaveLength(2);
  const revisions = witness.ticketEvents.map(({ id, revision }) => `${id}:${revision}`);
  expect(revisions.toSorted()).toEqual([...new Set(revisions)].toSorted());
  const [first, second] = Object.values(accounts);
  if (second !== undefined) expect(second).toEqual(first);
});
