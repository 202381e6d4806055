import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { KnownStores } from "./known-stores.ts";
import { entriesOf } from "./log-format.ts";
import { logsOf, tellingEntries } from "./observe-logs.ts";
import { PdStores } from "./pd-stores.ts";

let folder = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "room-logs-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const store = (id: string, address: string) => ({ store: { id, address, state_name: "Up" }, status: {} });
const told = (lines: string[]) => tellingEntries(entriesOf(lines)).flatMap((entry) => entry.lines);
const line = (text: string, at = "05:00:00.000") => `[2026/11/21 ${at} +00:00] [INFO] [raft.rs:1] ${text}`;

test("a store's log is found by its address once PD has listed it, a member's by its name", async () => {
  const files = new Map([
    ["127.0.0.1:20160", join(folder, "tikv.log")],
    ["1", join(folder, "pd.log")],
  ]);
  const stores = new KnownStores();
  const logs = logsOf(files, stores);
  expect(logs.targets()).toEqual(["pd-1"]);
  stores.learn(PdStores.parse({ stores: [store("7", "127.0.0.1:20160"), store("8", "127.0.0.1:20161")] }).stores ?? []);
  expect(logs.targets()).toEqual(["store-7", "pd-1"]);
  writeFileSync(join(folder, "tikv.log"), `${line('["TiKV is ready to serve"]')}\n`);
  expect(await logs.read("store-7")).toEqual([
    { atMs: Date.UTC(2026, 10, 21, 5), text: line('["TiKV is ready to serve"]') },
  ]);
  await expect(logs.read("store-8")).rejects.toThrow("no file is named for the log of store-8");
  await expect(logs.read("pd-1")).rejects.toThrow("ENOENT");
});

test("the end of a long log is read, not all of it", async () => {
  const file = join(folder, "tikv.log");
  writeFileSync(file, `${line("[first]")}\n`);
  for (let at = 0; at < 600; at += 1)
    appendFileSync(file, `${line(`["${"x".repeat(1_000)}${at % 3 === 0 ? "a" : "b"}"]`)}\n`);
  appendFileSync(file, `${line("[last]")}\n`);
  const texts = (await logsOf(new Map([["pd-1", file]]), new KnownStores()).read("pd-1")).map(({ text }) => text);
  expect(texts.at(-1)).toBe(line("[last]"));
  expect(texts).not.toContain(line("[first]"));
});

test("a line of a region that doesn't name it isn't told; one that does is", () => {
  const lines = [
    line('["became leader"] [raft_id=21] [region_id=18]'),
    line('["became leader"] [raft_id=21]'),
    line('["leader changed"] [region-id=10] [from=2]'),
    line('["reported disk usage"] [peer_id=72]'),
    line('["split region"] [region="id: 8"]'),
    line('["wait connect timeout"] [store_id=2]'),
  ];
  expect(told(lines)).toEqual([lines[0], lines[2], lines[5]]);
});

test.each([
  ["a peer", '[peer="id: 3 store_id: 1"]', false],
  ["a peer as PD writes it", '[peer="id:3 store_id:1 "]', false],
  ["an epoch", '[epoch="conf_ver: 5 version: 3"]', false],
  ["a region's epoch", '[region_epoch="conf_ver: 5 version: 3"]', false],
  [
    "a peer of a region that it names",
    '[peer="id: 3 store_id: 1"] [epoch="conf_ver: 5 version: 3"] [region_id=2]',
    true,
  ],
  ["a member of etcd", "[peer=bbad98046d03c8bf]", true],
  ["a member of etcd by another key", "[remote-peer-id=bbad98046d03c8bf]", true],
])("an entry with %s, %s: told is %s", (_, fields, isTold) => {
  expect(told([line(`["x"] ${fields}`)])).toHaveLength(isTold ? 1 : 0);
});

test("of TiKV's recorded entries none is of a region that it doesn't name, and PD's are told too", () => {
  for (const name of ["tikv-examples.log", "pd-examples.log"]) {
    const text = readFileSync(join(import.meta.dirname, "recordings", "03-logs", name), "utf8");
    const entries = entriesOf(text.split("\n"));
    for (const entry of entries) expect(tellingEntries([entry]), entry.lines[0]).toHaveLength(1);
  }
});

test("of a very long entry the log has both ends, and says what is left out between", async () => {
  const file = join(folder, "pd.log");
  const frames = Array.from({ length: 300 }, (_, at) => `  ${at}: frame`);
  writeFileSync(file, [line("[panicked]"), ...frames, line("[next]"), ""].join("\n"));
  const texts = (await logsOf(new Map([["pd-1", file]]), new KnownStores()).read("pd-1")).map(({ text }) => text);
  const [note] = texts.splice(50, 1);
  expect(note).toBe("… lines left out: 201");
  expect(texts).toEqual([line("[panicked]"), ...frames.slice(0, 49), ...frames.slice(-50), line("[next]")]);
});

test("an election of a thousand regions doesn't hide the rest, and nothing is changed or out of order", () => {
  const elections = Array.from({ length: 1_000 }, (_, at) => line(`["became leader at term ${at}"] [region_id=${at}]`));
  const stack = ["   0: main", "   1: start"];
  const lines = [line('["connection aborted"] [addr=127.0.0.1:20161]'), ...stack, ...elections];
  expect(told(lines)).toEqual([...lines.slice(0, 3), ...elections.slice(-5)]);
});
