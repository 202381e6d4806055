import { mkdtempDisposableSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { readConfig } from "./config.ts";

const needed = {
  RATELIMITER_NODE_ID: "node-a",
  RATELIMITER_REDIS_URL: "redis://127.0.0.1:6379",
  RATELIMITER_MANAGEMENT_TOKEN: "0123456789abcdef",
};

test("what isn't said has its default, and an empty variable isn't said", () => {
  expect(readConfig({ ...needed, RATELIMITER_PORT: "" })).toEqual({
    ok: true,
    config: {
      ...needed,
      RATELIMITER_HOST: "127.0.0.1",
      RATELIMITER_PORT: 0,
      RATELIMITER_COMMAND_TIMEOUT_MS: 100,
      RATELIMITER_BREAKER_FAILURES: 3,
      RATELIMITER_PROBE_MS: 500,
      RATELIMITER_HEARTBEAT_MS: 1_000,
      RATELIMITER_NODE_TTL_MS: 3_000,
      RATELIMITER_DEFAULT_LIMIT: 100,
      RATELIMITER_DEFAULT_WINDOW_MS: 60_000,
      RATELIMITER_FAILURE_POLICY: "open",
      RATELIMITER_LIMITS_REFRESH_MS: 1_000,
      RATELIMITER_DENY_CACHE_MS: 100,
      RATELIMITER_DRAIN_MS: 500,
      RATELIMITER_LOG_LEVEL: "info",
    },
  });
});

test("every bad variable is listed at once, quoted, with what it should be", () => {
  expect(
    problemsOf({
      RATELIMITER_NODE_ID: "a b",
      RATELIMITER_PORT: "70000",
      RATELIMITER_REDIS_URL: "http://x",
      RATELIMITER_DEFAULT_LIMIT: "10001",
      RATELIMITER_FAILURE_POLICY: "maybe",
      RATELIMITER_MANAGEMENT_TOKEN: "short",
    }),
  ).toEqual([
    'RATELIMITER_NODE_ID="a b": must be 1 to 32 letters, digits, dots, dashes or underscores, beginning with a letter or digit',
    'RATELIMITER_PORT="70000": must be a whole number from 0 to 65535',
    'RATELIMITER_REDIS_URL="http://x": must be redis://host:port or rediss://host:port',
    "RATELIMITER_MANAGEMENT_TOKEN (5 characters): must be at least 16 characters",
    'RATELIMITER_DEFAULT_LIMIT="10001": must be a whole number from 1 to 10000',
    'RATELIMITER_FAILURE_POLICY="maybe": must be open or closed',
  ]);
});

test("what is required and missing is named", () => {
  expect(problemsOf({})).toEqual([
    "RATELIMITER_NODE_ID: is not set, but required",
    "RATELIMITER_REDIS_URL: is not set, but required",
    "RATELIMITER_MANAGEMENT_TOKEN: is not set, but required",
  ]);
});

test("no secret is in a problem: neither a token nor a password in a URL", () => {
  const said = problemsOf({
    RATELIMITER_MANAGEMENT_TOKEN: "geheim",
    RATELIMITER_REDIS_URL: "http://u:geheim@host",
  }).join();
  expect(said).not.toContain("geheim");
});

test("a node must not vanish after one late heartbeat", () => {
  expect(problemsOf({ ...needed, RATELIMITER_HEARTBEAT_MS: "1000", RATELIMITER_NODE_TTL_MS: "1999" })).toEqual([
    "RATELIMITER_NODE_TTL_MS=1999: must be at least twice RATELIMITER_HEARTBEAT_MS (1000), so 2000 or more",
  ]);
});

function problemsOf(env: Record<string, string>): string[] {
  const read = readConfig(env);
  return read.ok ? [] : read.problems;
}

test("the token may be given as a file; the variable itself comes first", () => {
  using folder = mkdtempDisposableSync(join(tmpdir(), "ratelimiter-token-"));
  const file = join(folder.path, "token");
  writeFileSync(file, "fedcba9876543210\n");
  const tokenOf = (token: string) => {
    const read = readConfig({
      ...needed,
      RATELIMITER_MANAGEMENT_TOKEN: token,
      RATELIMITER_MANAGEMENT_TOKEN_FILE: file,
    });
    return read.ok ? read.config.RATELIMITER_MANAGEMENT_TOKEN : read.problems;
  };
  expect(tokenOf("")).toBe("fedcba9876543210");
  expect(tokenOf("0123456789abcdef")).toBe("0123456789abcdef");
});
