import { TargetName } from "@operator/contracts/names";
import type { Source } from "@operator/subject/observation";
import { until } from "@operator/subject/probe.fixture";
import { afterEach, expect, test } from "vitest";
import { eventClock } from "./clock.ts";
import { type SourceSight, unseen } from "./observe.ts";
import { startPoll } from "./polling.ts";

const stop = new Set<AbortController>();
afterEach(() => {
  for (const controller of stop) controller.abort();
  stop.clear();
});

function start(read: Source["read"], changes: Partial<Source> = {}) {
  const controller = new AbortController();
  stop.add(controller);
  const source: Source = { name: "s", rhythmMs: 20, timeoutMs: 50, targets: () => ["a"], read, ...changes };
  const codes: string[] = [];
  let sight: SourceSight = unseen(source.rhythmMs, source.targets());
  const { ended, readNow } = startPoll(source, {
    clock: eventClock(),
    signal: controller.signal,
    update: (next) => (sight = next(sight)),
    onRead: (result) => codes.push("error" in result ? result.error.code : "read"),
  });
  return { readNow, codes, target: () => sight.targets.get(TargetName.parse("a")), controller, ended };
}

test("reads again and again", async () => {
  let n = 0;
  const { target } = start(() => Promise.resolve({ a: { value: (n += 1) } }));
  await until("it was read three times", () => target()?.value === 3);
});

test("a read that throws is an error with its code, and is tried again", async () => {
  let n = 0;
  const { target } = start(() => {
    n += 1;
    if (n < 3) throw Object.assign(new Error("away"), { code: "EAWAY" });
    return Promise.resolve({ a: { value: n } });
  });
  await until("the error is reported", () => target()?.error?.code === "EAWAY");
  await until("it was read", () => target()?.value === 3);
  expect(target()?.error).toBeUndefined();
});

test("a read that is slow ends by its signal and is an error", async () => {
  const { target } = start(
    (signal) => new Promise((_, reject) => signal.addEventListener("abort", () => reject(new Error("aborted")))),
  );
  await until("the error is reported", () => target()?.error?.code === "SOURCE_TIMEOUT");
});

test("a read that hangs past its signal is an error again and again, and no second one is begun beside it", async () => {
  const { promise, resolve } = Promise.withResolvers<void>();
  let begun = 0;
  const { target, codes } = start(async () => {
    begun += 1;
    await promise;
    return { a: { value: begun } };
  });
  await until("it's reported again and again", () => codes.length >= 4);
  expect(codes.slice(0, 4)).toEqual(["SOURCE_TIMEOUT", "SOURCE_HANGS", "SOURCE_HANGS", "SOURCE_HANGS"]);
  expect(begun).toBe(1);
  resolve();
  await until("it's read again", () => target()?.error === undefined && target()?.value === begun && begun > 1);
});

test("a source that can't say its targets still is read", async () => {
  const targets = () => {
    if (target === undefined) return ["a"];
    throw new Error("no targets");
  };
  let target: (() => unknown) | undefined;
  const started = start(() => Promise.resolve({ a: { value: 1 } }), { targets });
  target = started.target;
  await until("it was read", () => started.target()?.value === 1);
});

test("ends with its signal, also in the middle of a read that hangs", async () => {
  let begun = false;
  const { controller, ended } = start(
    () => {
      begun = true;
      return new Promise(() => {});
    },
    { timeoutMs: 3_600_000 },
  );
  await until("the read has begun", () => begun);
  controller.abort();
  await ended;
});

test("is read at once when asked to, by a read that began after the call", async () => {
  let begun = 0;
  const gates: (() => void)[] = [];
  const { readNow } = start(
    async () => {
      begun += 1;
      await new Promise<void>((resolve) => gates.push(resolve));
      return { a: { value: begun } };
    },
    { rhythmMs: 3_600_000, timeoutMs: 10_000 },
  );
  await until("the first read has begun", () => begun === 1);
  let done = false;
  void readNow().then(() => (done = true));
  gates[0]?.();
  await until("another one has begun", () => begun === 2);
  expect(done).toBe(false);
  gates[1]?.();
  await until("it's over", () => done);
  void readNow();
  await until("a third one has begun", () => begun === 3);
});
