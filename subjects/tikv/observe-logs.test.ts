import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { KnownStores } from "./known-stores.ts";
import { entriesOf } from "./log-format.ts";
import { logsOf, tellingLines } from "./observe-logs.ts";
import { PdStores } from "./pd-stores.ts";

let folder = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "room-logs-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const store = (id: string, address: string) => ({ store: { id, address, state_name: "Up" }, status: {} });
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
  expect(tellingLines(entriesOf(lines)).map(({ text }) => text)).toEqual([lines[0], lines[2], lines[5]]);
});

test("an election of a thousand regions doesn't hide the rest, and nothing is changed or out of order", () => {
  const elections = Array.from({ length: 1_000 }, (_, at) => line(`["became leader at term ${at}"] [region_id=${at}]`));
  const stack = ["   0: main", "   1: start"];
  const lines = [line('["connection aborted"] [addr=127.0.0.1:20161]'), ...stack, ...elections];
  const told = tellingLines(entriesOf(lines)).map(({ text }) => text);
  expect(told).toEqual([...lines.slice(0, 3), ...elections.slice(-5)]);
});
