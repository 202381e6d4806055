import * as fc from "fast-check";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { endsOf, entriesOf, regionIdOf } from "./log-format.ts";

const linesOf = (name: string) =>
  readFileSync(join(import.meta.dirname, "recordings", "03-logs", name), "utf8")
    .split("\n")
    .filter((line) => line !== "");
const one = (line: string) => entriesOf([line])[0];

test.each(["pd-examples.log", "tikv-examples.log"])(
  "every line of %s is an entry with a source and a message",
  (name) => {
    const lines = linesOf(name);
    const entries = entriesOf(lines);
    expect(entries.length).toBe(lines.length);
    for (const { lines, source, message, level, zone } of entries) {
      expect(source, lines[0]).toMatch(/^([\w./]+\.(rs|go):\d+|<unknown>)$/);
      expect(message, lines[0]).not.toBe("");
      expect(level).toMatch(/^(INFO|WARN|ERROR)$/);
      expect(zone).toBe("+00:00");
    }
  },
);

test("fields of TiKV, quoted or not", () => {
  const line = linesOf("tikv-examples.log").find((line) => line.includes("connection aborted"));
  const entry = one(line ?? "");
  expect(entry).toMatchObject({
    atMs: Date.UTC(2026, 10, 21, 5, 29, 33, 435),
    level: "WARN",
    source: "raft_client.rs:610",
    message: "connection aborted",
  });
  expect(entry?.fields.get("addr")).toBe("127.0.0.1:20161");
  expect(entry?.fields.get("receiver_err")).toBe(
    'Some(RpcFailure(RpcStatus { code: 14-UNAVAILABLE, message: "Connection reset by peer", details: [] }))',
  );
});

test("lines of etcd have a component before their file", () => {
  const line = linesOf("pd-examples.log").find((line) => line.includes("elected leader"));
  expect(one(line ?? "")).toMatchObject({ component: "raft", source: "zap_raft.go:77" });
  expect(one(line ?? "")?.message).toMatch(/^raft\.node: \w+ elected leader \w+ at term 2$/);
});

test.each([
  ["a quoted key", '["msg type"=MsgRequestPreVote]', "msg type", "MsgRequestPreVote"],
  ["an empty bracket before", "[] [jet-lag=217.174073ms]", "jet-lag", "217.174073ms"],
  ["spaces without quotes", "[now=2026/11/21 05:29:13.140 +00:00]", "now", "2026/11/21 05:29:13.140 +00:00"],
  ["an empty value", "[response=]", "response", ""],
  ["brackets in quotes", '[a="] [b=1] \\"x\\" \\n"]', "a", '] [b=1] "x" \n'],
  ["the same key twice", "[a=1] [a=2]", "a", "1"],
])("a field with %s", (_, text, key, value) => {
  expect(one(`[2026/11/21 05:29:13.140 +00:00] [WARN] [tso.go:359] [clock] ${text}`)?.fields.get(key)).toBe(value);
});

test("a time is read in its own zone", () => {
  const entry = one('[2026/11/21 13:29:33.435 +08:00] [INFO] [raft.rs:1] ["x"]');
  expect(entry).toMatchObject({ atMs: Date.UTC(2026, 10, 21, 5, 29, 33, 435), zone: "+08:00" });
});

test("what goes on below belongs to its entry, and what began above to none", () => {
  const first = '[2026/11/21 05:00:00.000 +00:00] [FATAL] [lib.rs:1] ["panicked"]';
  const next = '[2026/11/21 05:00:01.000 +00:00] [INFO] [lib.rs:2] ["started"]';
  const entries = entriesOf(["torn] [x=1]", first, "   0: backtrace", "[not a time] [INFO]", next]);
  expect(entries.map(({ message, lines }) => [message, lines.length])).toEqual([
    ["panicked", 3],
    ["started", 1],
  ]);
});

test("an entry has no more than 100 lines and 64 parts", () => {
  const start = "[2026/11/21 05:00:00.000 +00:00] [INFO] [a.rs:1] [x] ";
  const [entry] = entriesOf([
    start + Array.from({ length: 200 }, (_, at) => `[k${at}=1]`).join(" "),
    ...Array<string>(200).fill(" at"),
  ]);
  expect([entry?.lines.length, entry?.linesLeftOut, entry?.fields.size]).toEqual([100, 101, 62]);
});

test.each([
  { of: 3, max: 50, first: 4, last: 0 },
  { of: 80, max: 50, first: 25, last: 25 },
  { of: 80, max: 5, first: 3, last: 2 },
  { of: 80, max: 1, first: 1, last: 0 },
  { of: 300, max: 50, first: 25, last: 25 },
])("an entry with a stack of $of lines, cut to $max: its first line always stands", ({ of, max, first, last }) => {
  const start = '[2026/11/21 05:00:00.000 +00:00] [FATAL] [lib.rs:1] ["panicked"]';
  const lines = [start, ...Array.from({ length: of }, (_, at) => `  ${at}: frame`)];
  const [entry] = entriesOf(lines);
  const leftOut = lines.length - first - last;
  const note = leftOut > 0 ? [`… lines left out: ${leftOut}`] : [];
  expect(endsOf(entry ?? fail(), max)).toEqual([
    ...lines.slice(0, first),
    ...note,
    ...lines.slice(lines.length - last),
  ]);
});

test("a region is named in either spelling, by a number", () => {
  const of = (field: string) =>
    regionIdOf(one(`[2026/11/21 05:00:00.000 +00:00] [INFO] [a.rs:1] [x] ${field}`) ?? fail());
  expect(of("[region_id=18446744073709551615]")).toBe("18446744073709551615");
  expect(of("[region-id=18]")).toBe("18");
  expect(of("[region_id=all]")).toBeUndefined();
  expect(of("[peer_id=18]")).toBeUndefined();
});

function fail(): never {
  throw new Error("no entry");
}

test("whatever a log says, it's read, in no time, and every line is kept at most once", () => {
  const piece = fc.constantFrom(
    "[",
    "]",
    '"',
    "\\",
    "=",
    " ",
    "[INFO] ",
    "a",
    "1",
    "[2026/11/21 05:00:00.000 +00:00] ",
    "\u0000",
  );
  fc.assert(
    fc.property(fc.array(fc.array(piece, { maxLength: 40 }), { maxLength: 20 }), (pieces) => {
      const lines = pieces.map((line) => line.join(""));
      const kept = entriesOf(lines).flatMap(({ lines }) => lines);
      expect(kept.length).toBeLessThanOrEqual(lines.length);
    }),
  );
  const startedMs = performance.now();
  const opened = '[2026/11/21 05:00:00.000 +00:00] [INFO] [a.rs:1] ["' + '[a="'.repeat(100_000);
  expect(one(opened)?.fields.size).toBe(0);
  expect(performance.now() - startedMs).toBeLessThan(500);
});
