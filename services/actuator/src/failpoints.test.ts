import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { readInOrder } from "@operator/bus/read-in-order";
import type { Action } from "@operator/contracts/action";
import { flow } from "@operator/contracts/flow";
import { expect, test } from "vitest";
import { Acting } from "./acting.fixture.ts";
import { Staged } from "./staged.fixture.ts";

/** So many lives at a time: those that were claimed by who was killed wait for their claims to run out. */
const livesMax = 6;
/** By then who is killed after its last write has come there: the bus shows that write before its writer hears of it. */
const lastWordsMs = 5_000;

/**
 * The whole way of one action, from the diagnosis to the checker's word, with an actuator that dies at this point and one
 * that is started after it. Each step waits for what follows from the one before, so the order of writes is always the same.
 * Gives the action at its end, how often the node was started, and the events.
 */
async function live(environment: Record<string, string>) {
  const staged = await Staged.start();
  await using acting = await Acting.at(staged);
  const ada = acting.person("ada");
  await acting.execute(ada);
  const ticket = await staged.broken("node-a");
  const victim = await acting.actuator(environment).catch(() => undefined);
  const restarted = (async () => {
    await victim?.exited;
    return environment["OPERATOR_FAILPOINT"] === undefined ? undefined : await acting.actuator();
  })();
  const action = await acting.proposed(ticket, { action: "restart_node", target: "node-a", parameters: {} });
  /** The action in one of these states, when every step's event is recorded as sent. */
  const told = async (...states: Action["state"][]) =>
    await acting.until(
      `${states.join(" or ")}, and told`,
      async () => {
        const now = (await acting.actions.get(action.id))?.value;
        return now && states.includes(now.state) && now.sent === now.steps.length ? now : undefined;
      },
      90_000,
    );
  await told("proposed");
  // A held ticket's action is approved, but not begun: an approval that is being told and a claim could be one write less.
  await staged.change(ticket, { held: true });
  await acting.say(ada, action);
  await told("approved");
  await staged.change(ticket, { held: false });
  const settled = await told("executed", "failed");
  if (settled.state === "executed") await staged.say("node-a", { state: "cleared" });
  const ended = settled.state === "failed" ? settled : await told("verified");
  await acting.settled();
  const events = await eventsOf(acting);
  // What the last write left to do may still be on its way; an actuator that isn't to be killed gets to end it.
  if (environment["OPERATOR_FAILPOINT"] !== undefined) await Promise.race([victim?.exited, sleep(lastWordsMs)]);
  const isKilled = victim === undefined || victim.ending === "SIGKILL";
  await victim?.stop();
  await (await restarted)?.kill();
  return {
    ended,
    starts: staged.startsOf("node-a"),
    events,
    isKilled,
    accepted: await acting.notes("approval_accepted"),
  };
}

async function eventsOf({ cli }: Acting): Promise<Action[]> {
  const events: Action[] = [];
  for await (const batch of readInOrder(cli, flow.action, { from: "first", signal: AbortSignal.timeout(20_000) })) {
    events.push(...batch.received.map(({ message }) => message));
    if (batch.caughtUp) break;
  }
  return events;
}

test("killed between any two of its writes, an actuator does nothing twice and loses no action", async () => {
  const folder = await mkdtemp(join(tmpdir(), "operator-failpoints-"));
  const dryRun = async (name: string) => {
    const log = join(folder, name);
    await writeFile(log, "");
    const { ended } = await live({ OPERATOR_FAILPOINT_LOG: log });
    const states = ended.steps.map(({ state }) => state);
    expect(states).toEqual(["proposed", "approved", "claimed", "executed", "verified"]);
    return { states, points: (await readFile(log, "utf8")).trim().split("\n") };
  };
  // A write that a clock's beat tried once more, in vain, is in one of them only: no life can be asked to come to it.
  const [dry, again] = await Promise.all([dryRun("dry"), dryRun("again")]);
  const points = dry.points.filter((point) => again.points.includes(point));
  await rm(folder, { recursive: true });
  // After a write is before the next one, and the effect counts as one. Checkpoints are the clock's affair.
  const at = (point: string) => points.indexOf(point);
  const isExecuted = at(`before publish:action#${dry.states.indexOf("executed") + 1}`);
  const afterEffect = "after execute:restart_node#1";
  const killAt = points.filter((point) => !point.includes("checkpoints") && point.startsWith("after "));
  expect(killAt).toContain(afterEffect);
  process.stdout.write(`${killAt.length} points: ${killAt.join(", ")}\n`);
  expect(killAt.length).toBeGreaterThan(15);

  // Those that wait for a claim to run out come first: the others are done meanwhile.
  const isClaimed = (point: string) => at(point) > at("before kv.control:update#1") && at(point) < isExecuted;
  const waiting = [...killAt.filter(isClaimed), ...killAt.filter((point) => !isClaimed(point))];
  const seen: string[] = [];
  const one = async () => {
    for (let point = waiting.shift(); point !== undefined; point = waiting.shift()) {
      const { ended, starts, events, isKilled, accepted } = await live({ OPERATOR_FAILPOINT: point });
      expect(isKilled, point).toBe(true);
      expect(starts, `${point}: ${ended.state}`).toBe(ended.state === "verified" ? 1 : 0);
      expect(new Set(events.map(({ state }) => state)).size, `${point}: an event twice`).toBe(events.length);
      expect(
        events.map(({ state }) => state),
        point,
      ).toEqual(ended.steps.map(({ state }) => state));
      expect(accepted, point).toHaveLength(1);
      if (point === afterEffect)
        expect(
          ended.steps.map(({ code }) => code),
          point,
        ).toContain("READ_BACK");
      if (ended.state === "failed") expect(ended.steps.at(-1)?.code, point).toBe("NO_EFFECT");
      seen.push(`${point}: ${ended.steps.map(({ state }) => state).join(" ")}`);
    }
  };
  await Promise.all(Array.from({ length: livesMax }, one));
  process.stdout.write(`${seen.join("\n")}\n`);
  expect(seen).toHaveLength(killAt.length);
}, 600_000);
