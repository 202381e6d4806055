import { expect, test } from "vitest";
import { brokenAtMs, diagnosis, entry, nowMs, ticket, violation } from "../samples.fixture.ts";
import { toText } from "../terminal/page.ts";
import { ticketPage } from "./ticket-page.ts";

const shown = (of: Parameters<typeof ticket>[0] = {}, columns = 100) =>
  toText(ticketPage(ticket(of), { nowMs, columns, program: "operator" }), false);
const sample = ticket();

test("a diagnosed ticket, whole", () => {
  expect(shown()).toMatchInlineSnapshot(`
    "ratelimiter.node_down.node-a.1
    ✖ firing · critical
      opened        41 s ago (07:41:03.136Z)

    What is broken now
      node-a        node-a does not answer: its port refuses connections
      broken since  41 s ago (07:41:03.120Z)
      firing        since 41 s ago (07:41:03.120Z)
      how           its port refuses connections, for 41 s
      seen broken   in 43 snapshots, last word 800 ms ago (07:41:44.200Z)
      last good     42 s ago (07:41:02.120Z): /parts/probe/node-a
      first bad     41 s ago (07:41:03.120Z): /sources/probe/targets/node-a

    What happened
      07:41:03.136Z  41 s ago    opened       node-a does not answer: its port refuses connections –
                                              ticketer-1
      07:41:03.136Z  41 s ago    queued       attempt 1: first-seen – ticketer-1
      07:41:03.151Z  41 s ago    started      attempt 1 – diagnoser-1
      07:41:03.522Z  41 s ago    diagnosed    node-a is down: its process ended – diagnoser-1

    Diagnosis  attempt 1, done by diagnoser-1 in 371 ms

      node-a is down: its process ended, and nothing listens on its port any more
      A fault, confidence 90 %. Answered by the playbook ratelimiter; no model was asked (no model is
      configured).

      Cause
        - crashed: node-a. The port that answered a second before refuses connections, so the process is
          gone. (E1, E2)

      What happened
        - 2026-11-21 07:41:03.120Z the probe was refused (E1)

      Evidence
        E1   "ECONNREFUSED" · /sources/probe/targets/node-a/error/code · 2026-11-21 07:41:03.120Z
             the probe of node-a was refused, at once
        E2   "ok" · /parts/probe/node-a/outcome · 2026-11-21 07:41:02.120Z
             a second before it answered

      Each value stands in a snapshot that is kept; look it up by fetching the snapshot and following
      the pointer:
        - E1: nats stream get EVIDENCE --last-for operator.evidence.ratelimiter.snapshot.1795246863120
        - E2: nats stream get EVIDENCE --last-for operator.evidence.ratelimiter.snapshot.1795246862120

      What else it could be, and why not
        - unreachable: node-a. A cut network says nothing; a refusal needs a living host that answers.
          Against it: E1.

      What can be done
        1. Start node-a again (recommended): It ended, and nothing else is wrong.
           - start the process
           - watch node_down of node-a clear
           - Risk: low. The other nodes carry the load meanwhile.

      How to verify
        - node_down of node-a clears after three ok over 3 s

      What is missing
        - the exit code of the process: no source reads it

    What to type next
      operator tickets show ratelimiter.node_down.node-a.1 --follow
      operator tickets ack ratelimiter.node_down.node-a.1
      operator tickets hold ratelimiter.node_down.node-a.1 --reason "…"
      operator tickets resolve ratelimiter.node_down.node-a.1 --reason "…" --force
      operator snapshots show --at operator.evidence.ratelimiter.snapshot.1795246863120 --pointer /sources/probe/targets/node-a
      operator snapshots show --at operator.evidence.ratelimiter.snapshot.1795246862120 --pointer /parts/probe/node-a
      operator tickets comment ratelimiter.node_down.node-a.1 --text "…"
      operator status --subject ratelimiter
    "
  `);
});

const attempt = { attempt: 1, why: "first-seen", notBeforeMs: brokenAtMs, queuedAtMs: brokenAtMs } as const;
const diagnosisCases: { why: string; of: Parameters<typeof ticket>[0]; says: string }[] = [
  { why: "none yet", of: { attempts: [], diagnosis: "none" }, says: "none was asked for yet" },
  { why: "none, as it's held", of: { attempts: [], diagnosis: "none", held: true }, says: "none: the ticket is held" },
  {
    why: "one that waits for its moment",
    of: { attempts: [{ ...attempt, status: "queued", notBeforeMs: nowMs + 2_000 }] },
    says: "begins in 2.0 s: something else may explain it first",
  },
  {
    why: "one that waits for a diagnoser",
    of: { attempts: [{ ...attempt, status: "queued" }] },
    says: "queued since 41 s ago (07:41:03.120Z): is a diagnoser running?",
  },
  {
    why: "one that runs",
    of: { attempts: [{ ...attempt, status: "running", startedAtMs: nowMs - 400 }] },
    says: "a diagnoser works on it since 400 ms ago",
  },
  {
    why: "one that waits for its model",
    of: {
      attempts: [
        {
          ...attempt,
          status: "waiting",
          startedAtMs: nowMs - 9_000,
          waiting: { sinceMs: nowMs - 8_000, untilMs: nowMs + 592_000, why: "it is overloaded (529)" },
        },
      ],
    },
    says: "the model makes it wait since 8.0 s ago (07:41:37.000Z): it is overloaded (529); it gives up in 9",
  },
  {
    why: "one that failed",
    of: {
      attempts: [
        { ...attempt, status: "failed", failure: { code: "EVIDENCE_MISSING", message: "first bad isn't there" } },
      ],
    },
    says: "no answer: first bad isn't there (EVIDENCE_MISSING)",
  },
  {
    why: "one that isn't grounded",
    of: {
      attempts: [
        {
          ...attempt,
          status: "ungrounded",
          diagnosis,
          rejections: [{ code: "VALUE_DIFFERS", path: "/facts/0", message: "it says 1" }],
        },
      ],
    },
    says: "nothing may rest on it",
  },
];
test.each(diagnosisCases)("a diagnosis: $why", ({ of, says }) => {
  expect(shown(of)).toContain(says);
});

test.each([
  { how: { kind: "unreachable", how: "silent", silentMs: 900 }, says: "it says nothing, for 900 ms" },
  { how: { kind: "threshold", value: 61.4, limit: 50, unit: "ms" }, says: "61.4 ms, the limit is 50 ms" },
  { how: { kind: "state", value: "open", expected: "closed" }, says: "open, expected closed" },
  {
    how: { kind: "blind", source: "metrics", about: "node-a", code: "ECONNREFUSED" },
    says: "metrics can't see node-a: ECONNREFUSED",
  },
  { how: { kind: "silent_service", service: "checker", silentMs: 7_000 }, says: "nothing came from checker for 7.0 s" },
] as const)("how it's broken: $says", ({ how, says }) => {
  expect(shown({ violation: violation({ detail: how }) })).toContain(says);
});

test("what to type next follows from the ticket's state", () => {
  const next = (of: Parameters<typeof ticket>[0]) => shown(of).split("What to type next\n")[1] ?? "";
  expect(next({})).toMatch(/--follow[^]*tickets ack [^]*tickets hold [^]*resolve .* --force\n/);
  expect(next({ acknowledgedBy: "ada", held: true })).not.toMatch(/tickets (ack|hold) /);
  expect(next({ held: true })).toContain("tickets unhold ");
  expect(next({ violation: violation({ state: "cleared" }) })).toMatch(/resolve .* --reason "…"\n/);
  const closed = next({ status: "closed", closedAtMs: nowMs, closedBy: "observation" });
  expect(closed).not.toMatch(/tickets (ack|hold|resolve) |--follow/);
  expect(closed).toContain("tickets comment ");
});

test("who closed it, and that entries of a long history were left out", () => {
  const closed = { status: "closed", closedAtMs: nowMs, closedBy: "observation" } as const;
  expect(shown(closed)).toContain("0 ms ago (07:41:45.000Z), after 41 s; fresh observations proved it whole");
  expect(shown({ ...closed, closedBy: "ada" })).toContain("forced by ada");
  const history = [...sample.history, entry("commented", 40_000, "ada", "still looking")];
  expect(shown({ history, historyDropped: 12 })).toMatch(/diagnosed [^]*… 12 entries left out[^]*commented/);
  const refused = entry(
    "refused",
    40_001,
    "ada",
    "resolve: it is firing",
    "7e8b8a5e-8f1e-4a47-9a0c-0b6a1c1f6b11",
    "STILL_BROKEN",
  );
  expect(shown({ history: [refused] })).toContain("resolve: it is firing (STILL_BROKEN) – ada");
});

test("pointers are quoted as a shell takes them", () => {
  const firstBad = { address: "operator.evidence.s.snapshot.1", atMs: brokenAtMs, pointers: ["/parts/it's a; rm -rf"] };
  expect(shown({ violation: violation({ firstBad }) })).toContain(String.raw`--pointer '/parts/it'\''s a; rm -rf'`);
});
