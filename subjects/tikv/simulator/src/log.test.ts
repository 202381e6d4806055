import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { createLog } from "./log.ts";

const recorded = readFileSync(
  join(import.meta.dirname, "..", "..", "recordings", "03-logs", "tikv-examples.log"),
  "utf8",
);
/** A line without its time. */
const untimed = (line: string) => line.replace(/^\[[^\]]+\] /, "");

test.each([
  ["INFO", "raft.rs:1271", "became leader at term 7", { term: 7, raft_id: 21, region_id: 18, thread_id: 80 }],
  ["WARN", "raft_client.rs:920", "wait connect timeout", { addr: "127.0.0.1:20161", store_id: 2, thread_id: 51 }],
  [
    "INFO",
    "pd.rs:2008",
    "try to transfer leader",
    { to_peers: "[]", to_peer: "id: 4 store_id: 2", from_peer: "id: 17 store_id: 1", region_id: 3, thread_id: 27 },
  ],
] as const)("%s %s %s is written as a real TiKV wrote it", (level, source, message, fields) => {
  const lines: string[] = [];
  createLog((line) => lines.push(line))(level, source, message, fields);
  expect(lines[0]).toMatch(/^\[\d{4}\/\d\d\/\d\d \d\d:\d\d:\d\d\.\d{3} \+00:00\] .*\n$/);
  expect(recorded.split("\n").map(untimed)).toContain(untimed(lines[0]?.trimEnd() ?? ""));
});
