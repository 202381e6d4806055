import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { Config } from "./config.ts";
import { LoadConfig } from "./config-load.ts";
import { keys } from "./keys.ts";
import { refusals } from "./refusal.ts";

// What the README promises is what the code does.

const readme = readFileSync(new URL("../README.md", import.meta.url), "utf8");

test("it lists every code with its status, and no other", () => {
  const listed = [...readme.matchAll(/^\| `([a-z_]+)` \| (\d{3}) \|/gm)].map(([, code, status]) => [
    code,
    Number(status),
  ]);
  expect(Object.fromEntries(listed)).toEqual(refusals);
});

test("it lists every variable with its default, and no other", () => {
  const listed = [...readme.matchAll(/^\| `(RATELIMITER_\w+)` \| ([^|]+) \|/gm)].map(([, name, value]) => [
    name,
    value?.trim(),
  ]);
  expect(Object.fromEntries(listed)).toEqual(defaultsOf(Config.shape));
});

test("it lists every flag of the load with its default, and no other", () => {
  const listed = [...readme.matchAll(/^\| `--([\w-]+)` \| ([^|]+) \|/gm)].map(([, name, value]) => [
    name,
    value?.trim(),
  ]);
  expect(Object.fromEntries(listed)).toEqual(defaultsOf(LoadConfig.shape));
});

test("it names every key in Redis", () => {
  for (const key of [
    keys.counter("<key>"),
    keys.reset("<key>"),
    keys.limits,
    keys.limitsVersion,
    keys.members,
    keys.departed,
    keys.node("<id>"),
    keys.probe("<id>"),
  ]) {
    expect(readme).toContain(`\`${key}\``);
  }
});

/** The default as the table shows it, `required` and `–` where there's none. */
function defaultsOf(shape: Record<string, { safeParse: (value: unknown) => { success: boolean; data?: unknown } }>) {
  return Object.fromEntries(
    Object.entries(shape).map(([name, schema]) => {
      const read = schema.safeParse(undefined);
      if (!read.success) return [name, "required"];
      const isEmpty = read.data === undefined || read.data instanceof Map;
      return [name, isEmpty ? "–" : `\`${String(read.data)}\``];
    }),
  );
}
