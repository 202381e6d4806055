import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { lastLinesOf } from "./log-file.ts";

const folder = mkdtempSync(join(tmpdir(), "operator-log-file-"));
afterAll(() => rmSync(folder, { recursive: true }));

function fileOf(name: string, text: string): string {
  const file = join(folder, name);
  writeFileSync(file, text);
  return file;
}

test("a short file comes whole, an empty one without lines", async () => {
  expect(await lastLinesOf(fileOf("short", "one\ntwo\n"), 100)).toEqual(["one", "two"]);
  expect(await lastLinesOf(fileOf("empty", ""), 100)).toEqual([]);
});

test("of a long one only whole lines within the bytes come", async () => {
  expect(await lastLinesOf(fileOf("cut", "first\nsecond\nthird\n"), 10)).toEqual(["third"]);
  expect(await lastLinesOf(fileOf("exact", "first\nthird\n"), 6)).toEqual(["third"]);
  expect(await lastLinesOf(fileOf("endless", "x".repeat(1_000)), 10)).toEqual([]);
});

test("what isn't there, or isn't a file, is said and not waited for", async () => {
  const pipe = join(folder, "pipe");
  execFileSync("sh", ["-c", 'mkfifo "$0"', pipe]);
  await expect(lastLinesOf(join(folder, "none"), 10)).rejects.toThrow(/ENOENT/);
  await expect(lastLinesOf(folder, 10)).rejects.toThrow(/no regular file/);
  await expect(lastLinesOf(pipe, 10)).rejects.toThrow(/no regular file/);
});
