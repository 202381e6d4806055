import { expect, test } from "vitest";
import type { Container } from "./containers.ts";
import { standingOf } from "./standing.ts";
import type { Service } from "./topology.ts";

const nats: Service = {
  name: "nats",
  image: "nats:2.15-alpine",
  isBuilt: false,
  isJob: false,
  isOptional: false,
  count: 1,
  memoryMaxBytes: 0,
  ports: [],
};
const running: Container = {
  id: "a",
  name: "operator-nats-1",
  service: "nats",
  state: "running",
  health: "healthy",
  exitCode: 0,
  sinceMs: 1,
  restarts: 0,
  isOutOfMemory: false,
  healthSays: "",
  ports: [],
};

test.each([
  { how: "healthy", of: {}, is: "up", says: "healthy" },
  { how: "running without a health check", of: { health: "none" as const }, is: "up", says: "running" },
  {
    how: "just started without a health check, so that a loop of crashes isn't up in between",
    of: { health: "none" as const, sinceMs: Date.now() },
    is: "coming",
    says: "just started",
  },
  { how: "starting", of: { health: "starting" as const }, is: "coming", says: "starting" },
  {
    how: "unhealthy",
    of: { health: "unhealthy" as const, healthSays: "wget: refused" },
    is: "broken",
    says: "unhealthy: wget: refused",
  },
  { how: "ended, though well", of: { state: "exited" }, is: "broken", says: "ended with 0" },
  {
    how: "killed for its memory",
    of: { state: "exited", isOutOfMemory: true },
    is: "broken",
    says: "ended, out of memory",
  },
  {
    how: "started again for the second time",
    of: { state: "restarting", exitCode: 1, restarts: 2 },
    is: "coming",
    says: "ended with 1, started again",
  },
  {
    how: "started again and again",
    of: { state: "restarting", exitCode: 1, restarts: 3 },
    is: "broken",
    says: "ended with 1, 3 times",
  },
  { how: "paused", of: { state: "paused" }, is: "broken", says: "paused" },
  { how: "created", of: { state: "created" }, is: "coming", says: "not started yet" },
])("a service that is $how: $is", ({ of, is, says }) => {
  expect(standingOf(nats, [{ ...running, ...of }])).toEqual({ is, says });
});

test.each([
  { how: "at work", of: { state: "running", health: "none" as const }, is: "coming" },
  { how: "done", of: { state: "exited", exitCode: 0 }, is: "up" },
  { how: "failed", of: { state: "exited", exitCode: 1 }, is: "broken" },
])("a job that is $how: $is", ({ of, is }) => {
  expect(standingOf({ ...nats, isJob: true }, [{ ...running, ...of }]).is).toBe(is);
});

test("of several containers the worst counts, and a missing one too", () => {
  const broken = { ...running, id: "b", state: "exited", exitCode: 1 };
  const starting = { ...running, id: "c", health: "starting" as const };
  expect(standingOf({ ...nats, count: 3 }, [running, starting, broken]).is).toBe("broken");
  expect(standingOf({ ...nats, count: 2 }, [running, starting]).is).toBe("coming");
  expect(standingOf({ ...nats, count: 2 }, [running])).toEqual({ is: "coming", says: "not started yet" });
  expect(standingOf({ ...nats, count: 0 }, []).is).toBe("up");
  expect(standingOf(nats, [{ ...running, service: "redis" }]).is).toBe("coming");
});

test("an old container says nothing of how the service will be, well or not", () => {
  for (const old of [running, { ...running, state: "exited", exitCode: 255 }])
    expect(standingOf(nats, [old], () => true)).toEqual({ is: "coming", says: "not started yet" });
});
