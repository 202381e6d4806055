import { setTimeout as sleep } from "node:timers/promises";
import type { Bus } from "@operator/bus/bus";
import { flow } from "@operator/contracts/flow";
import type { Violation } from "@operator/contracts/violation";
import { type NatsServer, startProvisionedNats } from "@operator/stack/nats-server";
import { afterEach, beforeEach, expect, test } from "vitest";
import { type CheckerProcess, connect, soon, Stage, startChecker, stored } from "./loop.fixture.ts";

let server: NatsServer;
let stage: Stage;
let reader: Bus;
let checkers: CheckerProcess[] = [];

beforeEach(async () => {
  server = await startProvisionedNats();
  stage = await Stage.build(server);
  reader = await connect(server, "cli");
});
afterEach(async () => {
  await Promise.all(checkers.map((checker) => checker.kill()));
  checkers = [];
  await reader.close();
  await stage.close();
  await server.stop();
});

function start(environment: Record<string, string> = {}): CheckerProcess {
  const checker = startChecker(server, environment);
  checkers.push(checker);
  return checker;
}

/** Waits for the last violation that is expected, and compares all. */
async function expectAsTold() {
  const expected = stage.expected.violations;
  const last = expected.at(-1);
  let found: Violation[] = [];
  const isThere = async () => {
    found = await stored(reader, flow.violation);
    return found.some((one) => last !== undefined && flow.violation.id(one) === flow.violation.id(last));
  };
  await soon(isThere, () => checkers.map((checker) => checker.output().slice(-3_000)).join("\n"));
  const byId = (all: Violation[]) => all.map((one) => [flow.violation.id(one), one] as const).sort(compareIds);
  expect(byId(found)).toEqual(byId(expected));
  await expectCitationsStored(found);
}

/** What a violation cites is stored before it, whenever its sender dies. */
async function expectCitationsStored(violations: Violation[]) {
  for (const { firstBad, lastGood } of violations) {
    for (const cited of [firstBad, lastGood]) {
      if (cited) expect((await reader.last(flow.evidence, cited.address))?.message.atMs).toBe(cited.atMs);
    }
  }
}

function compareIds([one]: readonly [string, unknown], [other]: readonly [string, unknown]): number {
  return one < other ? -1 : one > other ? 1 : 0;
}

test("three checkers say what one would, each word once", async () => {
  await Promise.all([start(), start(), start()].map((checker) => checker.said("ready")));
  await stage.play(120);
  expect(stage.expected.violations.length).toBeGreaterThan(20);
  await expectAsTold();
});

test("a checker that is killed again and again, with another beside it or without, loses nothing", async () => {
  await start().said("ready");
  const playing = stage.play(300, 25);
  for (const alone of [true, false, true]) {
    await checkers.at(-1)?.kill();
    const next = start();
    if (!alone) start();
    await next.said("ready");
    await sleep(200);
  }
  await playing;
  await expectAsTold();
});

const points = [
  "publish:evidence#1",
  "publish:violation#1",
  "publish:violation#2",
  "publish:verdicts#2",
  "kv.checks:update#2",
];

test("killed between any two writes, the next one says what is missing, and nothing twice", async () => {
  await start().said("ready");
  await checkers.at(-1)?.kill();
  const over = new AbortController();
  const playing = (async () => {
    while (!over.signal.aborted) await stage.play(40, 15);
  })();
  for (const point of points.flatMap((label) => [`before ${label}`, `after ${label}`])) {
    const checker = start({ OPERATOR_FAILPOINT: point });
    await checker.exited;
    expect(checker.child.signalCode, checker.output()).toBe("SIGKILL");
    await expectCitationsStored(await stored(reader, flow.violation));
  }
  start();
  over.abort();
  await playing;
  await expectAsTold();
});

test("silence is said once by all, dated by the last snapshot, and clears when snapshots return", async () => {
  await Promise.all([start(), start(), start()].map((checker) => checker.said("ready")));
  await stage.play(5);
  const silence = async () =>
    (await stored(reader, flow.violation)).filter(({ invariant }) => invariant === "observer_silent");
  await soon(async () => (await silence()).length > 0);
  const beats = (await stored(reader, flow.verdicts)).filter(({ silentMs }) => silentMs !== undefined);
  // Said on the way there too, so that nobody takes silence for a dead checker.
  expect(beats.map(({ silentMs }) => silentMs)).toEqual(expect.arrayContaining([2_000, 3_000, 4_000, 5_000]));
  stage.expected.silence(5_000);
  stage.limiter.atMs += 4_000;
  await stage.play(5);
  await expectAsTold();
  expect((await silence()).map(({ state }) => state)).toEqual(["firing", "cleared"]);
});

test("who stood still, or lost the bus, claims no silence", async () => {
  const [frozen] = [start(), start()];
  await Promise.all(checkers.map((checker) => checker.said("ready")));
  frozen?.child.kill("SIGSTOP");
  await stage.play(70, 100);
  frozen?.child.kill("SIGCONT");
  await stage.play(10, 100);
  await server.kill();
  // Too short to look like a standstill of one's own; with what follows, long enough to be a silence.
  const awayFromMs = performance.now();
  await soon(() => performance.now() - awayFromMs >= 3_000);
  await server.restart();
  // By then who counts the time in which nobody could have told it anything has claimed one; who doesn't has 1.5 s left.
  const backFromMs = performance.now();
  await soon(() => performance.now() - backFromMs >= 3_500);
  await stage.play(20, 100);
  await expectAsTold();
  expect(stage.expected.said("observer_silent")).toEqual([]);
});

test("who lags behind the stream claims no silence, though it's connected and hears nothing", async () => {
  await start().said("ready");
  await stage.play(3);
  const provision = await connect(server, "provision");
  const { consumers } = provision.link.api;
  for await (const { name } of consumers.list("SNAPSHOTS")) {
    await consumers.pause("SNAPSHOTS", name, new Date(Date.now() + 7_500));
  }
  await provision.close();
  await stage.play(30, 300);
  await expectAsTold();
  expect(stage.expected.said("observer_silent")).toEqual([]);
});

test("a gap in the stream is said, and what fired before it survives", async () => {
  await start().said("ready");
  await stage.play(13);
  await expectAsTold();
  await checkers.at(-1)?.kill();
  await stage.play(40);
  const provision = await connect(server, "provision");
  const { lastSequence } = await reader.streamState("SNAPSHOTS");
  await provision.link.api.streams.purge("SNAPSHOTS", { seq: lastSequence - 1 });
  await provision.close();
  start();
  const newest = async () => (await stored(reader, flow.verdicts)).at(-1);
  await soon(
    async () => (await newest())?.gap !== undefined,
    () => checkers.at(-1)?.output() ?? "",
  );
  const violations = await stored(reader, flow.violation);
  expect(violations.map(({ invariant }) => invariant)).not.toContain("observer_silent");
  expect(
    (await newest())?.lines.find(({ target, invariant }) => invariant === "node_down" && target === "node-b"),
  ).toBeDefined();
});

test("SIGTERM ends it in time, and a subject without a room is a bad start", async () => {
  const checker = start();
  await checker.said("ready");
  await checker.kill("SIGTERM");
  expect(checker.child.exitCode).toBe(0);
  const wrong = start({ OPERATOR_SUBJECT: "nowhere", OPERATOR_GRACE_SCALE: "0" });
  await wrong.exited;
  expect(wrong.child.exitCode).toBe(78);
  expect(wrong.output()).toMatch(/OPERATOR_SUBJECT is "nowhere": a subject with a room: .*ratelimiter/);
  expect(wrong.output()).toMatch(/OPERATOR_GRACE_SCALE is "0"/);
});
