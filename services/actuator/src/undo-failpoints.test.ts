import { existsSync } from "node:fs";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readInOrder } from "@operator/bus/read-in-order";
import { Action } from "@operator/contracts/action";
import { flow } from "@operator/contracts/flow";
import { expect, test } from "vitest";
import { Acting } from "./acting.fixture.ts";
import { actionLike } from "./action.fixture.ts";
import { Staged } from "./staged.fixture.ts";

/**
 * A node was drained, which didn't help; an actuator takes it back, dies at this point, and another one is started after it.
 * The node isn't running: taking it back is its start.
 */
async function live(environment: Record<string, string>) {
  const staged = await Staged.start();
  await using acting = await Acting.at(staged);
  const term = await acting.execute(acting.person("ada"));
  const { id: ticket, target } = await staged.broken("node-a");
  const action = actionLike({
    id: `${ticket}.1.1`,
    ticket,
    proposal: { action: "drain_node", target, parameters: {}, why: "a test" },
    state: "unverified",
    approval: { by: "ada", term, atMs: 1 },
  });
  await (await (await staged.connect("actuator")).bucket("actions", Action)).create(action.id, action);
  const victim = await acting.actuator(environment).catch(() => undefined);
  const isKilled = environment["OPERATOR_FAILPOINT"] !== undefined;
  if (isKilled) {
    await victim?.exited;
    await acting.actuator();
  }
  // Who died with a claim holds it until it has run out.
  const ended = await acting.until("it's taken back", async () => undoneOf(acting, action), 60_000);
  await acting.settled();
  const events = await acting.until("its event", async () => {
    const states = await statesOf(acting);
    return states.length > 0 ? states : undefined;
  });
  return {
    ended,
    events,
    starts: staged.startsOf("node-a"),
    isKilled: victim === undefined || victim.ending === "SIGKILL",
  };
}

async function undoneOf({ actions }: Acting, { id }: Action): Promise<Action | undefined> {
  const now = (await actions.get(id))?.value;
  if (now?.state === "failed") throw new Error(`it failed: ${now.steps.at(-1)?.text}`);
  return now?.state === "undone" && now.sent === now.steps.length ? now : undefined;
}

async function statesOf({ cli }: Acting): Promise<string[]> {
  const states: string[] = [];
  for await (const batch of readInOrder(cli, flow.action, { from: "first", signal: AbortSignal.timeout(20_000) })) {
    states.push(...batch.received.map(({ message }) => message.state));
    if (batch.caughtUp) break;
  }
  return states;
}

test("killed between any two writes of an undo, an actuator takes it back all the same, and says so once", async () => {
  const folder = await mkdtemp(join(tmpdir(), "operator-undo-"));
  const log = join(folder, "points");
  const dry = await live({ OPERATOR_FAILPOINT_LOG: log });
  expect(dry).toMatchObject({ events: ["undone"], starts: 1 });
  expect(existsSync(log)).toBe(true);
  const points = (await readFile(log, "utf8")).trim().split("\n");
  await rm(folder, { recursive: true });
  const isUndone = points.indexOf("before kv.actions:update#1");
  // The effect is between the claim and its step: before that one is after it. Checkpoints and the mode's notes aren't the undo's.
  const killAt = points.filter(
    (point, at) => /^after (kv\.control|kv\.actions|publish:action)/.test(point) || at === isUndone,
  );
  process.stdout.write(`${killAt.join(", ")}\n`);
  expect(killAt.map((point) => point.replace(/#\d+$/, ""))).toEqual([
    "after kv.control:update",
    "before kv.actions:update",
    "after kv.actions:update",
    "after publish:action",
    "after kv.actions:update",
    "after kv.control:update",
  ]);
  await Promise.all(
    killAt.map(async (point) => {
      const { ended, events, starts, isKilled } = await live({ OPERATOR_FAILPOINT: point });
      expect(isKilled, point).toBe(true);
      expect(ended, point).toMatchObject({ state: "undone", escalated: true });
      expect(events, point).toEqual(["undone"]);
      // Begun again where its claimant died before it could say that it was done: the node runs, so nothing starts twice.
      expect(starts, point).toBe(1);
    }),
  );
}, 180_000);
