import type { Ticket } from "@operator/contracts/ticket";
import { ViolationKey } from "@operator/contracts/violation";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { diagnosed, diagnosis, foldAll, saying, violation } from "./events.fixture.ts";
import type { TicketEvent } from "./ticket-event.ts";

const seed = Number(process.env["SEED"] ?? Date.now() % 1_000_000);
console.log(`SEED=${seed}`);
const runs = { seed, numRuns: 300 };

const cause = [ViolationKey.parse("ratelimiter.redis_down.redis")];

/** One episode as a checker tells it: firing and blind by turns, told again every 5 s, cleared or retired or still firing in the end. */
const episodeWith = (explained: fc.Arbitrary<boolean>) =>
  fc
    .record({
      sinceSeconds: fc.integer({ min: 1, max: 50 }),
      spans: fc.array(fc.record({ seconds: fc.integer({ min: 1, max: 20 }), explained }), {
        minLength: 1,
        maxLength: 6,
      }),
      end: fc.constantFrom("cleared" as const, "retired" as const, undefined),
      evidence: fc.boolean(),
    })
    .map(({ sinceSeconds, spans, end, evidence }) => tell(sinceSeconds, spans, end, evidence));

const episode = episodeWith(fc.boolean());
/** A symptom's words make no ticket, so they have no effect when they come before those that do: kept out where any may come first. */
const rootEpisode = episodeWith(fc.constant(false));

function tell(
  sinceSeconds: number,
  spans: { seconds: number; explained: boolean }[],
  end: "cleared" | "retired" | undefined,
  evidence: boolean,
): TicketEvent[] {
  let at = sinceSeconds;
  const about = {
    sinceMs: sinceSeconds * 1_000,
    ...(evidence && { firstBad: { address: "operator.evidence.ratelimiter.snapshot.1", atMs: 1, pointers: [] } }),
  };
  const events: TicketEvent[] = [];
  spans.forEach(({ seconds, explained }, n) => {
    const state = n % 2 === 0 ? "firing" : "blind";
    const changedAtMs = at * 1_000;
    for (const told = at; at < told + seconds; at += 5) {
      const explainedBy = explained ? cause : [];
      events.push(
        saying(violation(at, { ...about, state, changedAtMs, explainedBy, occurrences: at - sinceSeconds + 1 })),
      );
    }
  });
  if (end) events.push(saying(violation(at, { ...about, state: end, occurrences: at - sinceSeconds })));
  return events;
}

const answers = fc.constantFrom<TicketEvent[]>(
  [],
  [diagnosed(1, "started")],
  [diagnosed(1, "started"), diagnosed(1, { kind: "done", diagnosis })],
  [diagnosed(1, "started"), diagnosed(1, "waiting")],
  [diagnosed(1, "started"), diagnosed(1, "waiting"), diagnosed(1, { kind: "done", diagnosis })],
  [
    diagnosed(1, { kind: "failed", code: "X", message: "x" }),
    diagnosed(2, "started"),
    diagnosed(2, { kind: "done", diagnosis }),
  ],
  [1, 2, 3].flatMap((n) => [diagnosed(n, "started"), diagnosed(n, { kind: "failed", code: "X", message: "x" })]),
);

describe("a ticket of one episode", () => {
  test("is the same in whatever order its violations come, repeated or not", () => {
    fc.assert(
      fc.property(
        rootEpisode.chain((events) => fc.tuple(fc.constant(events), shuffledWithRepeats(events))),
        ([inOrder, shuffled]) => {
          expect(known(foldAll(shuffled).head)).toEqual(known(foldAll(inOrder).head));
        },
      ),
      runs,
    );
  });

  test("is the same in whatever order violations and diagnoses come, once it's open", () => {
    fc.assert(
      fc.property(
        fc.tuple(episode, answers).chain(([events, answers]) => {
          const opener = events.findIndex((event) => foldAll([event]).head !== undefined);
          const all = [...events.slice(opener + 1), ...answers];
          const first = events.slice(0, opener + 1);
          return fc.tuple(
            fc.constant([...first, ...all]),
            shuffledWithRepeats(all).map((shuffled) => [...first, ...shuffled]),
          );
        }),
        ([inOrder, shuffled]) => {
          expect(known(foldAll(shuffled).head)).toEqual(known(foldAll(inOrder).head));
        },
      ),
      runs,
    );
  });
});

describe("a life of many episodes", () => {
  const life = fc.array(episode, { minLength: 1, maxLength: 5 }).map((episodes) => {
    let shiftMs = 0;
    return episodes.flatMap((events, n) => {
      const shifted = events.map((event) => later(event, shiftMs));
      shiftMs += n * 1_000 + 200_000;
      return shifted;
    });
  });

  test("replayed from anywhere, by readers that lag behind each other, gives the same tickets and nothing to tell", () => {
    fc.assert(
      fc.property(life, fc.array(fc.nat(), { maxLength: 4 }), (events, restarts) => {
        const once = foldAll(events);
        const again = restarts.flatMap((from) => events.slice(from % events.length));
        const replayed = foldAll(again, once.head);
        expect(replayed.head).toEqual(once.head);
        expect(replayed.reasons.flat()).toEqual([]);
        expect(replayed.archived).toEqual([]);
      }),
      runs,
    );
  });

  test("read by several at once, each in order, gives the same tickets as read by one", () => {
    fc.assert(
      fc.property(life, fc.array(fc.nat({ max: 2 }), { maxLength: 300 }), (events, turns) => {
        const readers = [0, 1, 2].map(() => events.values());
        const interleaved = [...turns, ...events.flatMap(() => [0, 1, 2])].flatMap((n) => {
          const next = readers[n]?.next();
          return next?.value ? [next.value] : [];
        });
        const [one, several] = [foldAll(events), foldAll(interleaved)];
        expect(several.head).toEqual(one.head);
        expect(several.archived).toEqual(one.archived);
        expect(several.reasons.flat()).toEqual(one.reasons.flat());
      }),
      runs,
    );
  });
});

/** What a ticket knows. What was worth a revision, and when a job was queued, is the ticketer's own doing and depends on what came first. */
function known(ticket: Ticket | undefined) {
  if (ticket === undefined) return undefined;
  const { revision: _, reasons: __, attempts, ...rest } = ticket;
  return { ...rest, attempts: attempts.map((attempt) => ({ ...attempt, why: "", queuedAtMs: 0, notBeforeMs: 0 })) };
}

function shuffledWithRepeats(events: TicketEvent[]): fc.Arbitrary<TicketEvent[]> {
  return fc
    .tuple(fc.shuffledSubarray(events, { minLength: events.length }), fc.array(fc.nat(), { maxLength: 5 }))
    .map(([shuffled, repeats]) => {
      const all = [...shuffled];
      for (const n of repeats) {
        const event = events[n % Math.max(events.length, 1)];
        if (event) all.splice(n % (all.length + 1), 0, event);
      }
      return all;
    });
}

function later(event: TicketEvent, byMs: number): TicketEvent {
  if (event.kind !== "violation") return event;
  const { asOf, sinceMs, changedAtMs } = event.violation;
  const times = { asOf: asOf + byMs, sinceMs: sinceMs + byMs, changedAtMs: changedAtMs + byMs };
  return { kind: "violation", violation: { ...event.violation, ...times } };
}
