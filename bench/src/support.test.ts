import { expect, test } from "vitest";
import { Ticket } from "@operator/contracts/ticket";
import { type LoadLine, readLoadLines } from "./load-lines.ts";
import { supportFor } from "./support.ts";
import { violationOf } from "./violations.ts";

const node = "http://127.0.0.1:4001";
const openedAtMs = 100_000;
const well = { errors: 0, degraded: 0, p99Ms: 4 };

/** A minute of lines; `at` says what the second that ends there was like. */
function lines(
  at: Record<number, Partial<typeof well> & { node?: Partial<{ errors: number; p99Ms: number }> }> = {},
): LoadLine[] {
  return Array.from({ length: 60 }, (_, second) => {
    const atMs = openedAtMs - 30_000 + second * 1_000;
    const { node: ofNode, ...rest } = at[atMs] ?? {};
    const byNode = {
      [node]: { answers: 20, errors: 0, p99Ms: 4, ...ofNode },
      "http://127.0.0.1:4002": { answers: 20, errors: 0, p99Ms: 4 },
    };
    return { type: "load", atMs, sent: 60, overAdmitted: 0, ...well, ...rest, byNode };
  });
}

const down = violationOf({ subject: "s", target: "node-a", occurrences: 1, asOf: openedAtMs, sinceMs: openedAtMs });
const slow = {
  ...down,
  sinceMs: openedAtMs - 20_000,
  detail: { kind: "threshold" as const, value: 300, limit: 100, unit: "ms" },
};
const blind = {
  ...down,
  detail: Ticket.shape.violation.shape.detail.parse({ kind: "blind", source: "redis", about: "redis", code: "LATE" }),
};

const rows: [string, Parameters<typeof supportFor>, RegExp | undefined][] = [
  ["all was well: contradicted", [{ openedAtMs, violation: down }, lines(), node], undefined],
  [
    "the node failed a request then",
    [{ openedAtMs, violation: down }, lines({ 100_000: { node: { errors: 1 } } }), node],
    /1 errors/,
  ],
  [
    "it failed one long before",
    [{ openedAtMs, violation: down }, lines({ 80_000: { node: { errors: 1 } } }), node],
    undefined,
  ],
  ["another node failed one", [{ openedAtMs, violation: down }, lines({ 100_000: { errors: 1 } }), node], undefined],
  [
    "the node was as slow as silence",
    [{ openedAtMs, violation: down }, lines({ 101_000: { node: { p99Ms: 640 } } }), node],
    /above 500 ms/,
  ],
  [
    "the node was slow, and no more",
    [{ openedAtMs, violation: down }, lines({ 101_000: { node: { p99Ms: 340 } } }), node],
    undefined,
  ],
  [
    "one slow second is no slow minute",
    [{ openedAtMs, violation: slow }, lines({ 90_000: { node: { p99Ms: 340 } } }), node],
    undefined,
  ],
  [
    "many slow seconds are",
    [
      { openedAtMs, violation: slow },
      lines({ 85_000: { node: { p99Ms: 340 } }, 90_000: { node: { p99Ms: 140 } }, 95_000: { node: { p99Ms: 340 } } }),
      node,
    ],
    /3 of 25 seconds/,
  ],
  [
    "decisions without Redis speak for a source that can't read Redis",
    [{ openedAtMs, violation: blind }, lines({ 99_000: { degraded: 3 } }), undefined],
    /3 decisions/,
  ],
  [
    "but not for a node that is down",
    [{ openedAtMs, violation: down }, lines({ 99_000: { degraded: 3 } }), node],
    undefined,
  ],
  [
    "the load stood still with the machine",
    [{ openedAtMs, violation: down }, lines().filter(({ atMs }) => atMs < 99_000 || atMs > 101_000), node],
    /stood still for 4000 ms/,
  ],
];

test.each(rows)("%s", (_, given, expected) => {
  const support = supportFor(...given);
  if (expected) expect(support).toMatch(expected);
  else expect(support).toBeUndefined();
});

test("a log's load lines are read, and what else it says is left out", () => {
  const [line] = lines();
  const log = [JSON.stringify(line), "(node:1) Warning: x", '{"type":"summary","atMs":1}', '{"type":"load","at'].join(
    "\n",
  );
  expect(readLoadLines(log)).toEqual([line]);
});
