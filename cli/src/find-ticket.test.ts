import { TicketId } from "@operator/contracts/ticket-id";
import { expect, test } from "vitest";
import { findTicket } from "./find-ticket.ts";

const ids = [
  "ratelimiter.node_down.node-a.1",
  "ratelimiter.node_down.node-a.2",
  "ratelimiter.node_down.node-a.10",
  "ratelimiter.node_down.node-b.1",
  "ratelimiter.redis_disconnected.node-a.1",
  "another.node_down.node-c.1",
].map((id) => TicketId.parse(id));

test.each([
  { why: "its id", word: "ratelimiter.node_down.node-a.2", id: "ratelimiter.node_down.node-a.2" },
  {
    why: "an invariant and a target: the newest, by number",
    word: "node_down.node-a",
    id: "ratelimiter.node_down.node-a.10",
  },
  { why: "the same with the subject", word: "ratelimiter.node_down.node-a", id: "ratelimiter.node_down.node-a.10" },
  { why: "its end", word: "node-a.2", id: "ratelimiter.node_down.node-a.2" },
  { why: "a part that only one has", word: "redis_disconnected", id: "ratelimiter.redis_disconnected.node-a.1" },
  { why: "a subject that has only one", word: "another", id: "another.node_down.node-c.1" },
  { why: "dots too many", word: ".node-b.", id: "ratelimiter.node_down.node-b.1" },
])("found by $why", ({ word, id }) => {
  expect(findTicket(word, ids)).toBe(id);
});

test.each([
  {
    why: "a target of several",
    word: "node-a",
    code: "TICKET_AMBIGUOUS",
    says: "fits 2 tickets, say which: ratelimiter.node_down.node-a.10, ratelimiter.redis_disconnected.node-a.1",
  },
  { why: "a piece of a part", word: "node_dow", code: "TICKET_UNKNOWN", says: 'no ticket "node_dow"' },
  {
    why: "a mistyped word",
    word: "nod_down.node-a",
    code: "TICKET_UNKNOWN",
    says: '(did you mean "node_down.node-a"?)',
  },
  { why: "a generation that never was", word: "node_down.node-a.3", code: "TICKET_UNKNOWN", says: "no ticket" },
  { why: "nothing", word: "", code: "TICKET_UNKNOWN", says: 'no ticket ""' },
  { why: "dots", word: "..", code: "TICKET_UNKNOWN", says: 'no ticket ".."' },
])("not found, and nothing is guessed: $why", ({ word, code, says }) => {
  expect(() => findTicket(word, ids)).toThrow(
    expect.objectContaining({ code, message: expect.stringContaining(says) }),
  );
});

test("of many that fit only the first are listed", () => {
  const many = Array.from({ length: 30 }, (_, at) => TicketId.parse(`s.i.t-${at}.1`));
  expect(() => findTicket("i", many)).toThrow(/fits 30 tickets.*, …$/);
});
