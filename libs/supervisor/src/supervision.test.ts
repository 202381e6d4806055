import { setTimeout as wait } from "node:timers/promises";
import { FaultId } from "@operator/contracts/chaos";
import { expect, test, vi } from "vitest";
import { chaosClient } from "./client.ts";
import { retryMs, type SupervisedMembers, superviseMembers } from "./members.fixture.ts";

const id = (text: string) => FaultId.parse(text);
/** A fault that is over long after the test. */
const long = (text: string) => ({ fault: id(text), forMs: 60_000 });
const short = (text: string) => ({ fault: id(text), forMs: 1_000 });

test("a killed member is listed with its fault, and comes back by itself when its time is over", async () => {
  await using given = await superviseMembers();
  const { pid } = given.member("member-a");
  const { already, fault } = await given.chaos.kill("member-a", short("k1"));
  expect({ already, fault }).toMatchObject({ already: false, fault: { id: "k1", target: "member-a", verb: "kill" } });
  expect(fault.endsAtMs - fault.beganAtMs).toBe(1_000);
  expect(given.member("member-a").ending).toBe("SIGKILL");
  expect(await given.chaos.list()).toEqual([
    {
      target: "member-a",
      kind: "example",
      state: "stopped",
      fault: { id: "k1", verb: "kill", endsAtMs: fault.endsAtMs },
    },
    { target: "member-b", kind: "example", state: "running" },
  ]);
  await ended(given, "member-a");
  expect(Date.now()).toBeGreaterThanOrEqual(fault.endsAtMs - 5);
  expect(await statesOf(given)).toEqual(["running", "running"]);
  expect(given.member("member-a").pid).not.toBe(pid);
});

test("a paused member goes on by itself when its time is over, as the same process", async () => {
  await using given = await superviseMembers();
  const { pid } = given.member("member-a");
  await given.chaos.pause("member-a", short("p1"));
  expect(await statesOf(given)).toEqual(["paused", "running"]);
  await ended(given, "member-a");
  expect(await statesOf(given)).toEqual(["running", "running"]);
  expect(given.member("member-a").pid).toBe(pid);
});

test("the end is held though the client that made the fault is gone", async () => {
  await using given = await superviseMembers();
  const gone = chaosClient(given.supervisor.sockets.chaos);
  await gone.kill("member-a", short("k1"));
  await gone[Symbol.asyncDispose]();
  await ended(given, "member-a");
  expect(await statesOf(given)).toEqual(["running", "running"]);
});

test("a revert ends a fault early, for once and for all", async () => {
  await using given = await superviseMembers();
  await given.chaos.kill("member-a", short("k1"));
  expect(await given.chaos.revert(id("k1"))).toMatchObject({ already: false, fault: { ended: { by: "revert" } } });
  expect(await statesOf(given)).toEqual(["running", "running"]);
  expect(await given.chaos.revert(id("k1"))).toMatchObject({ already: true, fault: { ended: { by: "revert" } } });
  // Stopped by hand now, and past the fault's time, which another one's end shows: an end that was left would start it.
  await given.chaos.stop("member-a");
  await given.chaos.pause("member-b", short("p1"));
  await ended(given, "member-b");
  expect(await statesOf(given)).toEqual(["stopped", "running"]);
  await expect(given.chaos.revert(id("nobody"))).rejects.toMatchObject({
    code: "FAULT_UNKNOWN",
    message: expect.stringContaining('"nobody"'),
  });
});

test("a repeated id is the same fault, while it runs and when it has ended", async () => {
  await using given = await superviseMembers();
  const answers = await Promise.all([1, 2, 3].map(() => given.chaos.kill("member-a", long("k1"))));
  expect(answers.map(({ already }) => already)).toEqual([false, true, true]);
  expect(new Set(answers.map(({ fault }) => fault.endsAtMs)).size).toBe(1);
  await given.chaos.revert(id("k1"));
  expect(await given.chaos.kill("member-a", long("k1"))).toMatchObject({ already: true, fault: { ended: {} } });
  expect(await statesOf(given)).toEqual(["running", "running"]);
  expect(await given.startsOf("member-a")).toBe(2);
});

test("an id that is another fault's is refused, even when both are asked for at once", async () => {
  await using given = await superviseMembers();
  const both = await Promise.allSettled([
    given.chaos.kill("member-a", long("k1")),
    given.chaos.kill("member-b", long("k1")),
  ]);
  expect(both.map(({ status }) => status).toSorted()).toEqual(["fulfilled", "rejected"]);
  const killed = both[0].status === "fulfilled" ? "member-a" : "member-b";
  await expect(given.chaos.pause(killed, long("k1"))).rejects.toMatchObject({ code: "FAULT_CONTRADICTS" });
  expect((await statesOf(given)).toSorted()).toEqual(["running", "stopped"]);
});

test("while a fault holds a member, another fault or a stop is refused", async () => {
  await using given = await superviseMembers();
  await given.chaos.pause("member-a", long("p1"));
  for (const second of [
    () => given.chaos.kill("member-a", long("k1")),
    () => given.chaos.pause("member-a", long("p2")),
    () => given.chaos.stop("member-a"),
  ]) {
    await expect(second()).rejects.toMatchObject({
      code: "FAULT_RUNNING",
      message: expect.stringContaining('"p1" (pause)'),
    });
  }
  expect(await statesOf(given)).toEqual(["paused", "running"]);
});

test.for([999, 600_001, 1_500.5, -1_000])("a fault of %d ms is refused", async (forMs) => {
  await using given = await superviseMembers({ targets: ["member-a"] });
  for (const verb of ["kill", "pause"] as const) {
    await expect(given.chaos[verb]("member-a", { fault: id("f1"), forMs })).rejects.toMatchObject({
      code: "BAD_TIME",
      message: expect.stringContaining(String(forMs)),
    });
  }
  expect(await statesOf(given)).toEqual(["running"]);
});

test("a start ends the kill that holds a member, and nothing is started twice at its end", async () => {
  await using given = await superviseMembers();
  await given.chaos.kill("member-a", short("k1"));
  expect(await given.actuator.start("member-a")).toEqual({ already: false });
  expect(await faultOn(given, "member-a")).toBeUndefined();
  expect(await given.chaos.revert(id("k1"))).toMatchObject({ already: true, fault: { ended: { by: "start" } } });
  await given.chaos.stop("member-a");
  await given.chaos.pause("member-b", short("p1"));
  await ended(given, "member-b");
  expect(await given.startsOf("member-a")).toBe(2);
});

test("two starts at once start it once, and both wait until it's ready", async () => {
  await using given = await superviseMembers();
  await given.chaos.stop("member-a");
  await given.mark("member-a", "slow");
  let answered = 0;
  const starts = [1, 2].map(() => given.actuator.start("member-a").finally(() => (answered += 1)));
  await vi.waitUntil(async () => (await given.startsOf("member-a")) === 2, { timeout: 10_000 });
  expect(answered).toBe(0);
  await given.unmark("member-a", "slow");
  expect(await Promise.all(starts)).toEqual([{ already: false }, { already: true }]);
  expect(await given.startsOf("member-a")).toBe(2);
});

test("stop, start and unpause find that it's so already", async () => {
  await using given = await superviseMembers();
  expect(await given.chaos.start("member-a")).toEqual({ already: true });
  expect(await given.chaos.unpause("member-a")).toEqual({ already: true });
  expect(await given.chaos.stop("member-a")).toEqual({ already: false });
  expect(await given.chaos.stop("member-a")).toEqual({ already: true });
  expect(await given.chaos.start("member-a")).toEqual({ already: false });
  await given.chaos.pause("member-a", long("p1"));
  expect(await given.chaos.unpause("member-a")).toEqual({ already: false });
  expect(await given.chaos.revert(id("p1"))).toMatchObject({ already: true, fault: { ended: { by: "unpause" } } });
  expect(await statesOf(given)).toEqual(["running", "running"]);
});

test("a verb that doesn't fit the member's state is refused", async () => {
  await using given = await superviseMembers();
  await given.chaos.stop("member-a");
  for (const verb of [
    () => given.chaos.kill("member-a", long("k1")),
    () => given.chaos.pause("member-a", long("p1")),
    () => given.chaos.unpause("member-a"),
  ])
    await expect(verb()).rejects.toMatchObject({ code: "NOT_RUNNING" });
  given.member("member-b").signal("SIGSTOP");
  await becomes(given, "member-b", "paused");
  await expect(given.chaos.pause("member-b", long("p2"))).rejects.toMatchObject({ code: "NOT_RUNNING" });
  await expect(given.actuator.start("member-b")).rejects.toMatchObject({ code: "MEMBER_PAUSED" });
});

test("processes of one host can't be cut off a network, which is said", async () => {
  await using given = await superviseMembers();
  for (const ask of [
    () => given.chaos.disconnect("member-a", { ...long("d1"), network: "backend" }),
    () => given.chaos.connect("member-a", "backend"),
  ]) {
    await expect(ask()).rejects.toMatchObject({
      code: "VERB_UNSUPPORTED",
      message: expect.stringContaining("have no networks of their own"),
    });
  }
  expect((await given.chaos.list())[0]).toEqual({ target: "member-a", kind: "example", state: "running" });
});

test("a fault whose member is there no more is over: nothing is left to take back", async () => {
  await using given = await superviseMembers();
  await given.chaos.kill("member-a", short("k1"));
  await given.chaos.pause("member-b", long("p1"));
  const { driver } = given;
  const list = driver.members.bind(driver);
  driver.members = async () => (await list()).filter(({ target }) => target === "member-b");
  expect(await given.chaos.revert(id("k1"))).toMatchObject({ already: false, fault: { ended: { by: "gone" } } });
  expect(await given.chaos.revert(id("k1"))).toMatchObject({ already: true, fault: { ended: { by: "gone" } } });
  expect(await given.startsOf("member-a")).toBe(1);
  expect(await faultOn(given, "member-b")).toMatchObject({ id: "p1" });
});

test("what others do to a member isn't taken for its own doing", async () => {
  await using given = await superviseMembers();
  // Killed behind its back while paused by a fault, and started behind its back while killed by one.
  await given.chaos.pause("member-a", long("p1"));
  await given.member("member-a").kill();
  expect(await statesOf(given)).toEqual(["stopped", "running"]);
  await given.chaos.revert(id("p1"));
  await given.chaos.kill("member-b", short("k1"));
  await given.member("member-b").restart();
  expect(await statesOf(given)).toEqual(["stopped", "running"]);
  await ended(given, "member-b");
  expect(await statesOf(given)).toEqual(["stopped", "running"]);
  expect(await given.startsOf("member-b")).toBe(2);
});

test("a revert that fails is tried again until it succeeds, and is listed with why", async () => {
  await using given = await superviseMembers();
  await given.mark("member-a", "broken");
  await given.chaos.kill("member-a", short("k1"));
  await vi.waitUntil(async () => (await faultOn(given, "member-a"))?.revertError?.includes("ended with 9"), {
    timeout: 10_000,
  });
  await expect(given.actuator.start("member-a")).rejects.toMatchObject({ code: "DRIVER_FAILED" });
  await given.unmark("member-a", "broken");
  await ended(given, "member-a");
  expect(await statesOf(given)).toEqual(["running", "running"]);
});

test("a verb that failed is reverted soon, not at the fault's time", async () => {
  await using given = await superviseMembers();
  const { driver } = given;
  const pause = driver.pause.bind(driver);
  // It took effect, and whoever did it didn't see that in time.
  driver.pause = async (target) => {
    await pause(target);
    throw new Error("isn't paused");
  };
  await expect(given.chaos.pause("member-a", long("p1"))).rejects.toMatchObject({ code: "DRIVER_FAILED" });
  await ended(given, "member-a");
  expect(await statesOf(given)).toEqual(["running", "running"]);
  expect(await given.chaos.revert(id("p1"))).toMatchObject({ fault: { ended: { by: "failure" } } });
});

test("a driver that lists no members in time is said, and holds nobody up", async () => {
  await using given = await superviseMembers({ targets: ["member-a"], listWithinMs: 50 });
  const list = given.driver.members.bind(given.driver);
  given.driver.members = () => new Promise(() => {});
  for (const ask of [() => given.chaos.list(), () => given.chaos.stop("member-a")]) {
    await expect(ask()).rejects.toMatchObject({
      code: "DRIVER_FAILED",
      message: "the members can't be listed: no answer within 50 ms",
    });
  }
  given.driver.members = list;
  expect(await statesOf(given)).toEqual(["running"]);
});

test("an answer comes in time though the operation goes on; what waited behind it isn't begun any more", async () => {
  await using given = await superviseMembers({ answerWithinMs: 400 });
  await given.chaos.stop("member-a");
  await given.mark("member-a", "slow");
  const start = given.actuator.start("member-a");
  // It may be refused before anybody looks.
  start.catch(() => {});
  await vi.waitUntil(async () => (await given.startsOf("member-a")) === 2, { timeout: 10_000 });
  const late = given.chaos.kill("member-a", long("k1"));
  await expect(start).rejects.toMatchObject({ code: "OPERATION_LATE", message: expect.stringContaining("goes on") });
  await expect(late).rejects.toMatchObject({ code: "OPERATION_LATE", message: expect.stringContaining("won't be") });
  await given.unmark("member-a", "slow");
  // Its turn comes after the kill's.
  await vi.waitUntil(async () => (await given.chaos.start("member-a").catch(() => undefined))?.already === true, {
    timeout: 10_000,
  });
  expect(await faultOn(given, "member-a")).toBeUndefined();
  expect(given.member("member-a").running).toBe(true);
  expect(await given.startsOf("member-a")).toBe(2);
});

test("for who gave up while waiting nothing is begun", async () => {
  await using given = await superviseMembers();
  await given.chaos.stop("member-a");
  await given.mark("member-a", "slow");
  const start = given.actuator.start("member-a");
  await vi.waitUntil(async () => (await given.startsOf("member-a")) === 2, { timeout: 10_000 });
  const abort = new AbortController();
  const kill = given.chaos.kill("member-a", long("k1"), abort.signal);
  // Asked later on a connection of its own, so the kill has arrived when this is answered; then its end has, likewise.
  await given.chaos.list();
  abort.abort(new Error("given up"));
  await expect(kill).rejects.toThrow("given up");
  await given.chaos.list();
  await given.unmark("member-a", "slow");
  expect(await start).toEqual({ already: false });
  expect(await given.chaos.start("member-a")).toEqual({ already: true });
  expect(await faultOn(given, "member-a")).toBeUndefined();
});

test("no more than sixteen operations on one member wait; others aren't held up by them", async () => {
  await using given = await superviseMembers();
  await given.chaos.stop("member-a");
  await given.mark("member-a", "slow");
  const starts = Array.from({ length: 17 }, () => given.chaos.start("member-a"));
  await expect(Promise.race(starts)).rejects.toMatchObject({ code: "SUPERVISOR_BUSY" });
  expect(await given.chaos.stop("member-b")).toEqual({ already: false });
  await given.unmark("member-a", "slow");
  const outcomes = await Promise.allSettled(starts);
  expect(outcomes.filter(({ status }) => status === "fulfilled")).toHaveLength(16);
  expect(await given.startsOf("member-a")).toBe(2);
});

test("a close reverts every fault and begins nothing more", async () => {
  await using given = await superviseMembers();
  await given.chaos.kill("member-a", long("k1"));
  await given.chaos.pause("member-b", long("p1"));
  await given.mark("member-a", "slow");
  const closed = given.supervisor.close();
  expect(given.supervisor.close()).toBe(closed);
  await vi.waitUntil(async () => (await given.startsOf("member-a")) === 2, { timeout: 10_000 });
  await expect(given.chaos.kill("member-b", long("k2"))).rejects.toMatchObject({ code: "SUPERVISOR_CLOSING" });
  await given.unmark("member-a", "slow");
  await closed;
  expect((await given.driver.members()).map(({ state }) => state)).toEqual(["running", "running"]);
  await expect(given.chaos.list()).rejects.toMatchObject({ code: "SUPERVISOR_AWAY" });
});

test("a kill whose turn came just before the close is not begun", async () => {
  await using given = await superviseMembers();
  const { driver } = given;
  const list = driver.members.bind(driver);
  const { promise: looked, resolve: look } = Promise.withResolvers<void>();
  const { promise: held, resolve: letGo } = Promise.withResolvers<void>();
  let lists = 0;
  // Closed while the kill, in its turn, reads the member's state.
  driver.members = async () => {
    const members = await list();
    if (++lists === 2) {
      look();
      await held;
    }
    return members;
  };
  const kill = given.chaos.kill("member-a", long("k1"));
  await looked;
  const closed = given.supervisor.close();
  letGo();
  await expect(kill).rejects.toMatchObject({ code: "SUPERVISOR_CLOSING" });
  await closed;
  expect((await list()).map(({ state }) => state)).toEqual(["running", "running"]);
});

test("a close says in bounded time what it couldn't revert", async () => {
  await using given = await superviseMembers({ closeWithinMs: 1_000 });
  await given.mark("member-a", "broken");
  await given.chaos.kill("member-a", long("k1"));
  await expect(given.supervisor.close()).rejects.toThrow(/k1 \(kill of member-a\): start of member-a failed/);
  // And then leaves it alone: by now it would have been tried again several times.
  await given.unmark("member-a", "broken");
  const starts = await given.startsOf("member-a");
  await wait(5 * retryMs);
  expect(await given.startsOf("member-a")).toBe(starts);
});

async function statesOf({ chaos }: SupervisedMembers): Promise<string[]> {
  return (await chaos.list()).map(({ state }) => state);
}

async function faultOn({ chaos }: SupervisedMembers, target: string) {
  return (await chaos.list()).find((member) => member.target === target)?.fault;
}

async function ended(given: SupervisedMembers, target: string): Promise<void> {
  await vi.waitUntil(async () => (await faultOn(given, target)) === undefined, { timeout: 10_000 });
}

async function becomes({ chaos }: SupervisedMembers, target: string, state: string): Promise<void> {
  const isSo = async () => (await chaos.list()).find((member) => member.target === target)?.state === state;
  await vi.waitUntil(isSo, { timeout: 10_000 });
}
