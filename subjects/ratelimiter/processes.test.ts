import { expect, test } from "vitest";
import { processes } from "./processes.ts";
import { readSettings } from "./settings.ts";

const ports = Object.fromEntries(processes.ports.map((name, at) => [name, 5_000 + at]));
const secrets = Object.fromEntries(processes.secrets.map((name) => [name, `the-secret-${name}`]));
const specs = processes.specs({ ports, folder: "/tmp/x", secrets });

test("one Redis, three nodes, one load, in the order of their start", () => {
  expect(specs.map(({ name, target, kind }) => [name, target, kind])).toEqual([
    ["redis", "redis", "redis"],
    ["node-a", "node-a", "node"],
    ["node-b", "node-b", "node"],
    ["node-c", "node-c", "node"],
    ["load", undefined, undefined],
  ]);
});

test("what is a target is labelled as such, so that faults touch nothing else", () => {
  for (const { target, labels } of specs) expect(labels["operator.target"]).toBe(target);
});

test("the observer is told of what was started, and of no secret", () => {
  const environment = processes.environment({ ports, secrets, logFile: (name) => `/tmp/x/${name}.log` });
  const settings = readSettings(environment);
  expect(settings.RATELIMITER_REDIS_URL).toBe("redis://127.0.0.1:5000");
  expect([...settings.RATELIMITER_NODES]).toEqual([
    ["node-a", "http://127.0.0.1:5001"],
    ["node-b", "http://127.0.0.1:5002"],
    ["node-c", "http://127.0.0.1:5003"],
  ]);
  expect(settings.RATELIMITER_LOGS.get("node-b")).toBe("/tmp/x/node-b.log");
  expect(JSON.stringify(environment)).not.toContain("the-secret");
});

test("a port that wasn't given is named", () => {
  expect(() => processes.specs({ ports: { redis: 1 }, folder: "/tmp/x", secrets })).toThrow(/no port for "node-a"/);
});
