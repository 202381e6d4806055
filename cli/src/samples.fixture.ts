import { DeadLetter } from "@operator/contracts/dead-letter";
import type { Diagnosis } from "@operator/contracts/diagnosis";
import { Snapshot } from "@operator/contracts/snapshot";
import { Ticket } from "@operator/contracts/ticket";
import { type VerdictLine, Verdicts } from "@operator/contracts/verdicts";
import { Violation } from "@operator/contracts/violation";
import type { z } from "zod";

/** 2026-11-21 07:41:45.000Z: now, in samples. */
export const nowMs = Date.UTC(2026, 10, 21, 7, 41, 45);
export const brokenAtMs = nowMs - 41_880;
export const evidenceAddress = `operator.evidence.ratelimiter.snapshot.${brokenAtMs}`;

export function snapshot(given: Partial<z.input<typeof Snapshot>> = {}): Snapshot {
  return Snapshot.parse({
    subject: "ratelimiter",
    epoch: 3,
    n: 412,
    atMs: brokenAtMs,
    cause: "change",
    sources: {
      probe: {
        rhythmMs: 250,
        targets: {
          "node-a": {
            readAtMs: brokenAtMs - 3,
            error: { code: "ECONNREFUSED", message: "connect ECONNREFUSED 127.0.0.1:8101", sinceMs: brokenAtMs - 3 },
          },
          "node-b": { readAtMs: brokenAtMs - 120 },
        },
      },
      metrics: { rhythmMs: 1000, targets: { "node-b": { readAtMs: brokenAtMs - 800 }, "node-a": {} } },
    },
    parts: {
      probe: { "node-b": { outcome: "ok", tookMs: 1.4 } },
      metrics: { "node-b": { p99Ms: 3.1, "a/b~c": [1, 2] } },
    },
    ...given,
  });
}

export function violation(given: Partial<z.input<typeof Violation>> = {}): Violation {
  return Violation.parse({
    subject: "ratelimiter",
    invariant: "node_down",
    target: "node-a",
    state: "firing",
    severity: "critical",
    asOf: nowMs - 800,
    sinceMs: brokenAtMs,
    changedAtMs: brokenAtMs,
    occurrences: 43,
    summary: "node-a does not answer: its port refuses connections",
    detail: { kind: "unreachable", how: "refused", silentMs: 41_080 },
    explainedBy: [],
    mayBeExplained: false,
    comebacks: 0,
    firstBad: { address: evidenceAddress, atMs: brokenAtMs, pointers: ["/sources/probe/targets/node-a"] },
    lastGood: {
      address: `operator.evidence.ratelimiter.snapshot.${brokenAtMs - 1_000}`,
      atMs: brokenAtMs - 1_000,
      pointers: ["/parts/probe/node-a"],
    },
    ...given,
  });
}

export function verdictLine(given: Partial<z.input<typeof VerdictLine>> = {}): z.input<typeof VerdictLine> {
  return {
    invariant: "node_down",
    target: "node-b",
    severity: "critical",
    verdict: "ok",
    state: "ok",
    sinceMs: nowMs - 3_720_000,
    reason: "answers",
    explainedBy: [],
    sources: [{ source: "probe", target: "node-b", fresh: true, readAtMs: nowMs - 180 }],
    ...given,
  };
}

/** One of each state. */
export function verdicts(given: Partial<z.input<typeof Verdicts>> = {}): Verdicts {
  return Verdicts.parse({
    subject: "ratelimiter",
    asOf: nowMs - 820,
    snapshot: { epoch: 3, n: 453 },
    lines: [
      verdictLine(),
      verdictLine({
        target: "node-a",
        verdict: "violated",
        state: "firing",
        sinceMs: brokenAtMs,
        reason: "its port refuses connections",
        value: "refused",
        limit: "answers",
        sources: [{ source: "probe", target: "node-a", fresh: true, readAtMs: nowMs - 240 }],
      }),
      verdictLine({
        invariant: "high_latency",
        severity: "warning",
        verdict: "violated",
        state: "pending",
        sinceMs: nowMs - 3_000,
        reason: "99 of 100 decisions took up to 61.4 ms",
        value: 61.377,
        limit: 50,
        unit: "ms",
        graceLeftMs: 7_000,
        sources: [{ source: "metrics", target: "node-b", fresh: true, readAtMs: nowMs - 820 }],
      }),
      verdictLine({
        invariant: "high_latency",
        target: "node-a",
        severity: "warning",
        verdict: "unknown",
        state: "unknown",
        sinceMs: nowMs - 38_000,
        reason: "metrics of node-a are too old to say",
        limit: 50,
        unit: "ms",
        sources: [
          {
            source: "metrics",
            target: "node-a",
            fresh: false,
            readAtMs: nowMs - 43_000,
            error: "connect ECONNREFUSED",
          },
        ],
      }),
      verdictLine({
        invariant: "redis_disconnected",
        target: "node-a",
        verdict: "violated",
        state: "firing",
        sinceMs: nowMs - 40_000,
        reason: "node-a says that it lost Redis",
        value: "closed",
        limit: "open",
        explainedBy: ["ratelimiter.node_down.node-a"],
        sources: [{ source: "metrics", target: "node-a", fresh: false }],
      }),
      verdictLine({
        invariant: "source_blind",
        target: "metrics-node-a",
        severity: "warning",
        verdict: "violated",
        state: "blind",
        reason: "metrics didn't read node-a for 43 s",
        sources: [],
      }),
      verdictLine({
        invariant: "redis_down",
        target: "redis",
        state: "clearing",
        sinceMs: nowMs - 1_200,
        reason: "answers again",
        graceLeftMs: 1_800,
        sources: [{ source: "probe", target: "redis", fresh: true, readAtMs: nowMs - 90 }],
      }),
    ],
    ...given,
  });
}

export const diagnosis: z.input<typeof Diagnosis> = {
  engine: { kind: "playbook", name: "ratelimiter", why: "no model is configured" },
  answer: {
    verdict: "fault",
    headline: "node-a is down: its process ended, and nothing listens on its port any more",
    rootCauses: [
      {
        category: "crashed",
        target: "node-a",
        mechanism: "The port that answered a second before refuses connections, so the process is gone.",
        evidence: ["E1", "E2"],
      },
    ],
    confidence: 0.9,
    timeline: [{ atMs: brokenAtMs, what: "the probe was refused", evidence: ["E1"] }],
    evidence: [
      { id: "E1", quote: '"ECONNREFUSED"', shows: "the probe of node-a was refused, at once" },
      { id: "E2", quote: '"ok"', shows: "a second before it answered" },
    ],
    alternatives: [
      {
        cause: { category: "unreachable", target: "node-a" },
        whyRejected: "A cut network says nothing; a refusal needs a living host that answers.",
        for: [],
        against: ["E1"],
      },
    ],
    options: [
      {
        title: "Start node-a again",
        steps: ["start the process", "watch node_down of node-a clear"],
        risk: "low",
        riskWhy: "The other nodes carry the load meanwhile.",
        recommended: true,
        why: "It ended, and nothing else is wrong.",
      },
    ],
    proposals: [],
    verify: ["node_down of node-a clears after three ok over 3 s"],
    missing: ["the exit code of the process: no source reads it"],
  },
  facts: [
    {
      id: "E1",
      address: evidenceAddress,
      pointer: "/sources/probe/targets/node-a/error/code",
      value: "ECONNREFUSED",
      atMs: brokenAtMs,
    },
    {
      id: "E2",
      address: `operator.evidence.ratelimiter.snapshot.${brokenAtMs - 1_000}`,
      pointer: "/parts/probe/node-a/outcome",
      value: "ok",
      atMs: brokenAtMs - 1_000,
    },
  ],
};

export function ticket(given: Partial<z.input<typeof Ticket>> = {}): Ticket {
  return Ticket.parse({
    id: "ratelimiter.node_down.node-a.1",
    subject: "ratelimiter",
    invariant: "node_down",
    target: "node-a",
    generation: 1,
    revision: 4,
    reasons: ["diagnosed"],
    status: "open",
    severity: "critical",
    openedAtMs: brokenAtMs + 16,
    violation: violation(),
    occurrences: 43,
    diagnosis: "done",
    attempts: [
      {
        attempt: 1,
        status: "done",
        why: "first-seen",
        notBeforeMs: brokenAtMs + 16,
        queuedAtMs: brokenAtMs + 16,
        startedAtMs: brokenAtMs + 31,
        endedAtMs: brokenAtMs + 402,
        by: "diagnoser-1",
        diagnosis,
      },
    ],
    held: false,
    escalated: false,
    history: [
      entry("opened", 16, "ticketer-1", "node-a does not answer: its port refuses connections"),
      entry("queued", 16, "ticketer-1", "attempt 1: first-seen"),
      entry("started", 31, "diagnoser-1", "attempt 1"),
      entry("diagnosed", 402, "diagnoser-1", "node-a is down: its process ended"),
    ],
    historyDropped: 0,
    sent: { revision: 4, attempt: 1 },
    ...given,
  });
}

export function entry(
  kind: Ticket["history"][number]["kind"],
  afterMs: number,
  by: string,
  text: string,
  command?: string,
  code?: string,
): Ticket["history"][number] {
  return {
    id: command === undefined ? `${kind}:${afterMs}` : `command:${command}`,
    atMs: brokenAtMs + afterMs,
    kind,
    by,
    text,
    ...(command !== undefined && { command }),
    ...(code !== undefined && { code }),
  };
}

export function deadLetter(given: Partial<DeadLetter> = {}): DeadLetter {
  return DeadLetter.parse({
    id: "ratelimiter:3:17",
    service: "checker",
    channel: "snapshot",
    code: "BAD_SCHEMA",
    reason: "epoch: expected a number, got a string",
    address: "operator.snapshot.ratelimiter.full",
    stream: "SNAPSHOTS",
    sequence: 17,
    deliveries: 1,
    atMs: nowMs - 90_000,
    headers: [["ce-id", "ratelimiter:3:17"]],
    bodyBase64: Buffer.from('{"epoch":"three"}').toString("base64"),
    bytes: 17,
    truncated: false,
    ...given,
  });
}
