import * as fc from "fast-check";
import { expect, test } from "vitest";
import { nowMs, ticket, verdictLine, verdicts } from "../samples.fixture.ts";
import { toText } from "../terminal/page.ts";
import { widthOf } from "../terminal/width.ts";
import { summaryOf } from "../ticket-summary.ts";
import { type Status, statusScreen } from "./status-screen.ts";

function shown(given: Partial<Status["subjects"][number]> = {}, columns = 100): string {
  const subject = {
    subject: "ratelimiter",
    verdicts: verdicts(),
    verdictsAgeMs: 790,
    openTickets: [summaryOf(ticket())],
  };
  return toText(statusScreen({ atMs: nowMs, subjects: [{ ...subject, ...given }] }, columns), false);
}

test("every state, with all that says why it did or didn't fire", () => {
  expect(shown()).toMatchInlineSnapshot(`
    "ratelimiter   2 firing, 1 pending, 1 blind, 1 unknown, 1 clearing, 1 ok
    verdicts are 790 ms old · of snapshot 3/453 (07:41:44.180Z)

    Open tickets: 1
    STATE     TICKET                          SEVERITY  OPENED
    ✖ firing  ratelimiter.node_down.node-a.1  critical  41 s ago (07:41:03.136Z)
        node-a does not answer: its port refuses connections
        diagnosis: node-a is down: its process ended, and nothing listens on its port any more

    STATE       INVARIANT           TARGET          VALUE     LIMIT    FOR     READ AGO
    ✖ firing    node_down           node-a          refused   answers  41 s    240 ms
        its port refuses connections
        critical, violated since 07:41:03.120Z
    ✖ firing    redis_disconnected  node-a          closed    open     40 s    never
        node-a says that it lost Redis
        critical, violated since 07:41:05.000Z
        opens no ticket of its own: explained by ratelimiter.node_down.node-a
        metrics of node-a isn't fresh: never read
    ◔ pending   high_latency        node-b          61.38 ms  50 ms    3.0 s   820 ms
        99 of 100 decisions took up to 61.4 ms
        warning, violated since 07:41:42.000Z · fires in 7.0 s if it stays so
    ◌ blind     source_blind        metrics-node-a  –         –        62 min  –
        metrics didn't read node-a for 43 s
        warning, violated since 06:39:45.000Z
    ? unknown   high_latency        node-a          –         50 ms    38 s    43 s, stale
        metrics of node-a are too old to say
        warning, unknown since 07:41:07.000Z
        metrics of node-a isn't fresh: last read 43 s ago, connect ECONNREFUSED
    ↗ clearing  redis_down          redis           –         –        1.2 s   90 ms
        answers again
        critical, ok since 07:41:43.800Z · clears in 1.8 s if it stays ok
    ✓ ok        node_down           node-b          –         –        62 min  180 ms
    "
  `);
});

test("the same on 80 columns", () => {
  expect(shown({}, 80)).toMatchInlineSnapshot(`
    "ratelimiter   2 firing, 1 pending, 1 blind, 1 unknown, 1 clearing, 1 ok
    verdicts are 790 ms old · of snapshot 3/453 (07:41:44.180Z)

    Open tickets: 1
    STATE     TICKET                          SEVERITY  OPENED
    ✖ firing  ratelimiter.node_down.node-a.1  critical  41 s ago
        node-a does not answer: its port refuses connections
        diagnosis: node-a is down: its process ended, and nothing listens on its
        port any more

    STATE       INVARIANT      TARGET         VALUE     LIMIT    FOR     READ AGO
    ✖ firing    node_down      node-a         refused   answers  41 s    240 ms
        its port refuses connections
        critical, violated since 07:41:03.120Z
    ✖ firing    redis_discon…  node-a         closed    open     40 s    never
        node-a says that it lost Redis
        critical, violated since 07:41:05.000Z
        opens no ticket of its own: explained by ratelimiter.node_down.node-a
        metrics of node-a isn't fresh: never read
    ◔ pending   high_latency   node-b         61.38 ms  50 ms    3.0 s   820 ms
        99 of 100 decisions took up to 61.4 ms
        warning, violated since 07:41:42.000Z · fires in 7.0 s if it stays so
    ◌ blind     source_blind   metrics-node…  –         –        62 min  –
        metrics didn't read node-a for 43 s
        warning, violated since 06:39:45.000Z
    ? unknown   high_latency   node-a         –         50 ms    38 s    43 s, stale
        metrics of node-a are too old to say
        warning, unknown since 07:41:07.000Z
        metrics of node-a isn't fresh: last read 43 s ago, connect ECONNREFUSED
    ↗ clearing  redis_down     redis          –         –        1.2 s   90 ms
        answers again
        critical, ok since 07:41:43.800Z · clears in 1.8 s if it stays ok
    ✓ ok        node_down      node-b         –         –        62 min  180 ms
    "
  `);
});

test.each([
  {
    why: "verdicts that are old",
    given: { verdictsAgeMs: 7_100 },
    says: "? verdicts are 7.1 s old: is a checker running?",
  },
  {
    why: "no verdicts",
    given: { verdicts: null, verdictsAgeMs: null },
    says: "? no verdicts within the last 2 hours: is a checker running",
  },
  {
    why: "no snapshots",
    given: { verdicts: verdicts({ silentMs: 5_000 }) },
    says: "? no snapshot for 5.0 s, so all verdicts are unknown: is an observer running?",
  },
  {
    why: "snapshots that were missed",
    given: { verdicts: verdicts({ gap: { fromSequence: 4, toSequence: 9 } }) },
    says: "? snapshots 4 to 9 were gone before the checker read them",
  },
  {
    why: "verdicts before any snapshot",
    given: { verdicts: verdicts({ snapshot: undefined, lines: [] }) },
    says: "· of no snapshot",
  },
  { why: "no open tickets", given: { openTickets: [] }, says: "No open ticket." },
])("it says $why", ({ given, says }) => {
  expect(shown(given)).toContain(says);
});

test("without a subject it says what to do", () => {
  expect(toText(statusScreen({ atMs: nowMs, subjects: [] }, 100), false)).toBe(
    "No subject is known: name one by --subject.\n",
  );
});

test("hostile telemetry neither acts on the terminal nor breaks the page", () => {
  const text = fc.string({ unit: "binary", minLength: 1, maxLength: 200 });
  fc.assert(
    fc.property(text, text, text, fc.integer({ min: 80, max: 120 }), (reason, value, error, columns) => {
      const line = verdictLine({ state: "firing", reason, value, limit: error });
      const page = shown({ verdicts: verdicts({ lines: [line] }) }, columns);
      expect(page).not.toMatch(/[^\P{Cc}\n]/u);
      for (const row of page.split("\n")) expect(widthOf(row)).toBeLessThanOrEqual(columns);
    }),
  );
});
