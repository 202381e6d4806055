import { mkdtempDisposableSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { startNodeProcess } from "./node.fixture.ts";
import { startRedis } from "./redis.fixture.ts";

test("a node's log is in the file as well, whole though it's killed, and goes on in its next life", async () => {
  using folder = mkdtempDisposableSync(join(tmpdir(), "ratelimiter-log-"));
  const file = join(folder.path, "logs", "node-a.log");
  await using redis = await startRedis();
  const lines = () => readFileSync(file, "utf8").trim().split("\n");
  const said = () => lines().filter((line) => line.includes('"msg":"listening"')).length;
  for (const life of [1, 2]) {
    await using node = await startNodeProcess("node-a", redis.url, { RATELIMITER_LOG_FILE: file });
    expect(said()).toBe(life);
    node.signal("SIGKILL");
    await node.exited;
  }
  for (const line of lines()) expect(JSON.parse(line)).toMatchObject({ nodeId: "node-a" });
});

test("a file that has grown large is put aside at a start", async () => {
  using folder = mkdtempDisposableSync(join(tmpdir(), "ratelimiter-log-"));
  const file = join(folder.path, "node-a.log");
  writeFileSync(file, "x".repeat(1024 * 1024 + 1));
  await using redis = await startRedis();
  await using node = await startNodeProcess("node-a", redis.url, { RATELIMITER_LOG_FILE: file });
  expect(node.url).toContain("http");
  expect(statSync(`${file}.1`).size).toBe(1024 * 1024 + 1);
  expect(statSync(file).size).toBeLessThan(10_000);
});
