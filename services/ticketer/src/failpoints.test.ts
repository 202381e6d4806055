import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Command } from "@operator/contracts/command";
import { DiagnosisEvent } from "@operator/contracts/diagnosis";
import { flow } from "@operator/contracts/flow";
import { TargetName } from "@operator/contracts/names";
import type { Ticket } from "@operator/contracts/ticket";
import { afterAll, beforeAll, expect, test } from "vitest";
import { violation } from "./events.fixture.ts";
import { Ticketers, until } from "./ticketers.fixture.ts";

/** So many lives at a time, each on a bus of its own: on one, a ticketer would do the work of the other that was killed. */
const livesMax = 3;
/** By then who is killed after its last write has come there: the bus shows that write before its writer hears of it. */
const lastWordsMs = 5_000;
let loops: Ticketers[] = [];
beforeAll(async () => {
  loops = await Promise.all(Array.from({ length: livesMax }, () => Ticketers.start()));
});
afterAll(async () => await Promise.all(loops.map((loop) => loop[Symbol.asyncDispose]())));

/** The life of one target's tickets: each step waits for what follows from the one before, so the order of writes is always the same. */
async function live(loop: Ticketers, name: string): Promise<Ticket[]> {
  const target = TargetName.parse(name);
  const [checker, diagnoser, cli] = [await loop.as("checker"), await loop.as("diagnoser"), await loop.as("cli")];
  const id = (generation: number) => `ratelimiter.node_down.${name}.${generation}`;
  const is = async (what: string, generation: number, isRight: (ticket: Ticket) => boolean) => {
    const isSent = ({ revision, sent, attempts }: Ticket) =>
      sent.revision === revision && sent.attempt >= attempts.length;
    const ask = async () => (await loop.tickets()).find((ticket) => ticket.id === id(generation));
    await until(`${name}, ${what}`, ask, (ticket) => ticket !== undefined && isRight(ticket) && isSent(ticket));
  };
  const about = { subject: "ratelimiter", ticket: id(1), atMs: 1 };
  const answer = { attempt: 1, by: "diagnoser-1", ...about };

  await checker.publish(flow.violation, violation(1, { target }));
  await is("opened", 1, ({ status }) => status === "open");
  await diagnoser.publish(flow.diagnosis, DiagnosisEvent.parse({ phase: "started", ...answer }));
  await is("started", 1, ({ diagnosis }) => diagnosis === "running");
  const result = { kind: "failed", code: "X", message: "x" };
  await diagnoser.publish(flow.diagnosis, DiagnosisEvent.parse({ phase: "finished", ...answer, result }));
  await is("queued again", 1, ({ attempts }) => attempts.length === 2);
  const command = { kind: "comment", id: commandId(name), by: "ada", text: "hm", ...about };
  await cli.publish(flow.command, Command.parse(command));
  await is("commented", 1, ({ history }) => history.some(({ kind }) => kind === "commented"));
  await checker.publish(flow.violation, violation(9, { target, state: "cleared" }));
  await is("closed", 1, ({ status }) => status === "closed");
  await checker.publish(flow.violation, violation(20, { target, sinceMs: 20_000 }));
  await is("opened again", 2, ({ status }) => status === "open");
  return (await loop.tickets()).filter((ticket) => ticket.target === name);
}

test("killed between any two of its writes, a ticketer loses nothing and does nothing twice", async () => {
  const { points, tickets: expected } = await dryRun(loops[0] ?? expect.fail("no bus"));
  // After a write is before the next one. When checkpoints are written is the clock's affair; each is killed at once.
  const [first = "", ...rest] = points;
  const killAt = [
    first,
    ...rest.filter((point) => point.startsWith("after ") && !/checkpoints:update#(?!1$)/.test(point)),
  ];
  process.stdout.write(`${killAt.length} points: ${killAt.join(", ")}\n`);
  expect(killAt.length).toBeGreaterThan(20);

  const missed: string[] = [];
  const waiting = killAt.entries();
  const lives = async (shared: Ticketers) => {
    for (const [n, point] of waiting) {
      // Checkpoints are created once on a bus.
      await using own = point.includes("checkpoints:create") ? await Ticketers.start() : undefined;
      const loop = own ?? shared;
      const name = `node-${n}`;
      const victim = await loop.ticketer({ OPERATOR_FAILPOINT: point }).catch(() => undefined);
      const living = live(loop, name);
      const restarted = (async () => {
        await victim?.exited;
        return await loop.ticketer();
      })();
      const tickets = await living;
      await Promise.race([victim?.exited, sleep(lastWordsMs)]);
      const isKilled = victim === undefined || victim.ending === "SIGKILL";
      if (!isKilled) missed.push(point);
      await victim?.kill();
      expect(tickets.map(shown(name)), point).toEqual(expected.map(shown("dry")));
      const events = (await loop.all(flow.ticket)).filter((event) => event.target === name);
      expect(new Set(events.map((event) => flow.ticket.id(event))).size, point).toBe(events.length);
      for (const { id, revision } of tickets) {
        expect(
          events.some((event) => event.id === id && event.revision === revision),
          point,
        ).toBe(true);
      }
      for (const ticket of tickets) expect(await loop.job(ticket, 1), point).toBeDefined();
      await (await restarted).kill();
    }
  };
  await Promise.all(loops.map(lives));
  process.stdout.write(`missed: ${missed.join(", ") || "none"}\n`);
  // Two changes of a ticket that wait for each other are one write, so the last updates of the dry run needn't come again.
  expect(missed.length, missed.join(", ")).toBeLessThanOrEqual(2);
  expect(missed.filter((point) => !/tickets:update#\d{2}$/.test(point))).toEqual([]);
}, 600_000);

/** A life of which nobody dies: its writes in their order, and its tickets in the end. */
async function dryRun(loop: Ticketers): Promise<{ points: string[]; tickets: Ticket[] }> {
  const log = join(loop.folder, "failpoints");
  await writeFile(log, "");
  const dry = await loop.ticketer({ OPERATOR_FAILPOINT_LOG: log });
  const tickets = await live(loop, "dry");
  await dry.stop();
  return { points: (await readFile(log, "utf8")).trim().split("\n"), tickets };
}

/** A ticket as it should be whoever was killed when: without its own target's name, and without wall-clock times. */
function shown(name: string) {
  return (ticket: Ticket) => {
    const { attempts, history, reasons: _, ...rest } = ticket;
    const text = JSON.stringify({
      ...rest,
      attempts: attempts.map(({ attempt, status }) => ({ attempt, status })),
      history: history.map(({ id, kind }) => `${id} ${kind}`).sort(),
    });
    const shown: unknown = JSON.parse(text.replaceAll(name, "target").replaceAll(commandId(name), "command"));
    return shown;
  };
}

function commandId(name: string): string {
  const n = name === "dry" ? 0 : Number(name.slice("node-".length)) + 1;
  return `00000000-0000-4000-8000-${String(n).padStart(12, "0")}`;
}
