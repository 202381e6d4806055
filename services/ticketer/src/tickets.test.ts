import type { Bucket } from "@operator/bus/bucket";
import { Bus } from "@operator/bus/bus";
import { InstanceName } from "@operator/contracts/names";
import { Ticket } from "@operator/contracts/ticket";
import { TicketId } from "@operator/contracts/ticket-id";
import { ViolationKey } from "@operator/contracts/violation";
import { type NatsServer, startProvisionedNats } from "@operator/stack/nats-server";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { apply } from "./apply.ts";
import { command, nowMs, saying, violation } from "./events.fixture.ts";
import { withSent } from "./outbox.ts";
import { type TicketBucket, Tickets } from "./tickets.ts";

const key = ViolationKey.parse("ratelimiter.node_down.node-a");
const first = TicketId.parse(`${key}.1`);
const firing = saying(violation(1));
const cleared = saying(violation(9, { state: "cleared" }));
const again = saying(violation(20, { sinceMs: 20_000 }));
const comment = command(1, { kind: "comment", text: "it was the cable" });

let nats: NatsServer;
let bus: Bus;
let stored: Bucket<Ticket>;
beforeAll(async () => {
  nats = await startProvisionedNats();
  const password = nats.passwords.ticketer;
  bus = await Bus.connect({ servers: nats.url, user: "ticketer", password, instance: InstanceName.parse("test") });
});
beforeEach(async () => {
  const bucket = await bus.bucket("tickets", Ticket);
  for (const entry of await bucket.entries()) await bucket.remove(entry.key);
  stored = bucket;
});
afterAll(async () => {
  await bus.close();
  await nats.stop();
});

const ticketsOn = (bucket: TicketBucket) => new Tickets(bucket, { written: () => {}, read: () => {} });
const fold = (tickets: Tickets, ...events: (typeof firing)[]) => tickets.fold(key, () => events);
const say = (tickets: Tickets, event: typeof firing) => tickets.change(first, (now) => apply(now, event, nowMs));

/** The real bucket, with something that happens once, right after the nth call of this kind on this key. */
function interrupted(
  call: "get" | "create" | "update",
  place: string,
  nth: number,
  act: () => Promise<void>,
): TicketBucket {
  let calls = 0;
  const after = async <T>(kind: string, at: string, result: Promise<T>) => {
    const value = await result;
    if (kind === call && at === place && ++calls === nth) await act();
    return value;
  };
  return {
    get: (at) => after("get", at, stored.get(at)),
    create: (at, value) => after("create", at, stored.create(at, value)),
    update: (at, value, revision) => after("update", at, stored.update(at, value, revision)),
    scan: (after) => stored.scan(after),
  };
}

test("a batch of one generation is one write, and the same batch again none", async () => {
  await fold(ticketsOn(stored), firing, saying(violation(6)), cleared);
  const entry = await stored.get(key);
  expect(entry?.value).toMatchObject({ status: "closed", occurrences: 9 });
  await fold(ticketsOn(stored), firing, saying(violation(6)), cleared);
  expect(await stored.get(key)).toEqual(entry);
});

test("a batch of three generations keeps each of them", async () => {
  const third = saying(violation(40, { sinceMs: 40_000 }));
  await fold(
    ticketsOn(stored),
    firing,
    cleared,
    again,
    saying(violation(29, { sinceMs: 20_000, state: "cleared" })),
    third,
  );
  const entries = await stored.entries();
  expect(Object.fromEntries(entries.map(({ key, value }) => [key, `${value.generation} ${value.status}`]))).toEqual({
    [key]: "3 open",
    [`${key}.1`]: "1 closed",
    [`${key}.2`]: "2 closed",
  });
});

test("a generation is kept under its own key before the head moves", async () => {
  await fold(ticketsOn(stored), firing, cleared);
  let seen: Ticket | undefined;
  const look = async () => {
    seen = (await stored.get(key))?.value;
  };
  await fold(ticketsOn(interrupted("create", first, 1, look)), again);
  expect(seen?.generation).toBe(1);
});

test("who moves a head on with an old look at it takes nothing back from the generation before", async () => {
  await fold(ticketsOn(stored), firing, cleared);
  const another = ticketsOn(stored);
  const slow = ticketsOn(
    interrupted("get", key, 2, async () => {
      await fold(another, again);
      await say(another, comment);
    }),
  );
  await fold(slow, again);
  expect((await stored.get(first))?.value.history.map(({ kind }) => kind)).toContain("commented");
  expect((await stored.get(key))?.value).toMatchObject({ generation: 2, revision: 1 });
});

test("what was said to a generation after its copy was made, and before the head moved, is in the copy", async () => {
  await fold(ticketsOn(stored), firing, cleared);
  const another = ticketsOn(stored);
  const slow = ticketsOn(interrupted("create", first, 1, async () => void (await say(another, comment))));
  await fold(slow, again);
  expect((await stored.get(first))?.value.history.map(({ kind }) => kind)).toContain("commented");
  expect((await stored.get(key))?.value.generation).toBe(2);
});

test("a change that another overtakes is made to what that one left", async () => {
  await fold(ticketsOn(stored), firing);
  const another = ticketsOn(stored);
  const slow = ticketsOn(interrupted("get", key, 1, async () => void (await say(another, comment))));
  const changed = await slow.change(first, (now) => ({ ticket: withSent(now, { revision: 1 }, nowMs), reasons: [] }));
  expect(changed).toMatchObject({ revision: 2, sent: { revision: 1 } });
});

test("a key that was never listed is created without a look, and found when another made it", async () => {
  const tickets = ticketsOn(stored);
  for await (const _ of tickets.scan(0));
  await fold(ticketsOn(stored), firing, comment);
  await fold(tickets, saying(violation(6)));
  expect((await stored.get(key))?.value).toMatchObject({ occurrences: 6, revision: 2 });
});

test("a ticket that there isn't is not changed", async () => {
  expect(await say(ticketsOn(stored), comment)).toBeUndefined();
  await fold(ticketsOn(stored), firing);
  const unknown = TicketId.parse(`${key}.7`);
  expect(await ticketsOn(stored).change(unknown, (now) => ({ ticket: now, reasons: [] }))).toBeUndefined();
});
