import { work } from "@operator/bus/work";
import { flow } from "@operator/contracts/flow";
import { InstanceName, TargetName } from "@operator/contracts/names";
import type { Ticket } from "@operator/contracts/ticket";
import { partsOfTicketId } from "@operator/contracts/ticket-id";
import type { Violation } from "@operator/contracts/violation";
import { expect, test } from "vitest";
import { violation } from "./events.fixture.ts";
import { Ticketers, until } from "./ticketers.fixture.ts";

const seed = Number(process.env["SEED"] ?? Date.now() % 1_000_000);
console.log(`SEED=${seed}`);
const marker = TargetName.parse("marker");
/** Not that nobody speaks for the checker, which is a ticket too when a story takes longer than a silence. */
const isTold = ({ target }: Pick<Ticket, "target">) => target.startsWith("node-");

test("three ticketers, one of them killed again and again, and a bus that dies, make the same tickets as one", async () => {
  const story = storyOf(seed, { targets: 12, episodes: 4 });
  const [expected] = await told(story, { ticketers: 1, kills: 0 });
  const [tickets, jobs, events] = await told(story, { ticketers: 3, kills: 4 });

  expect(tickets.map(checked)).toEqual(expected.map(checked));
  const open = tickets.filter(({ status }) => status === "open");
  expect(open.length).toBeGreaterThan(0);
  for (const ticket of open)
    expect(ticket).toMatchObject({
      diagnosis: "failed",
      escalated: true,
      attempts: [1, 2, 3].map((attempt) => ({ attempt })),
    });
  expect(jobs).toEqual([...new Set(jobs)]);
  for (const { id } of open) expect(jobs.filter((job) => job.startsWith(`${id}:`))).toHaveLength(3);
  const ids = events.map((event) => flow.ticket.id(event));
  expect(ids).toEqual([...new Set(ids)]);
  for (const ticket of tickets) {
    // Two ticketers' events of one ticket may be stored in either order: the revision says which is newer.
    const ofTicket = events.filter(({ id }) => id === ticket.id);
    const newest = ofTicket.find(({ revision }) => revision === ticket.revision);
    expect(newest, ticket.id).toMatchObject({ revision: ticket.revision, status: ticket.status });
    expect(Math.max(...ofTicket.map(({ revision }) => revision)), ticket.id).toBe(ticket.revision);
  }
}, 180_000);

test("one violation 20,000 times is one ticket with the largest count", async () => {
  await using loop = await Ticketers.start();
  await Promise.all([loop.ticketer(), loop.ticketer()]);
  const checker = await loop.as("checker");
  const numbers = Array.from({ length: 20_000 }, (_, n) => n + 1).values();
  await Promise.all(
    Array.from({ length: 64 }, async () => {
      for (const n of numbers)
        await checker.publish(flow.violation, violation(n, { sinceMs: 1_000, changedAtMs: 1_000 }));
    }),
  );
  const tickets = await until(
    "all are counted",
    async () => (await loop.tickets()).filter(isTold),
    ([ticket]) => ticket?.occurrences === 20_000,
    60_000,
  );
  expect(tickets).toMatchObject([{ generation: 1, status: "open", revision: 1, violation: { asOf: 20_000_000 } }]);
  expect((await loop.all(flow.ticket)).filter(isTold)).toHaveLength(1);
}, 180_000);

/** Tells a story to so many ticketers, while one after the other is killed and started again. What comes of it: tickets, jobs, events. */
async function told(
  story: Violation[],
  { ticketers, kills }: { ticketers: number; kills: number },
): Promise<[Ticket[], string[], Ticket[]]> {
  await using loop = await Ticketers.start();
  const programs = await Promise.all(Array.from({ length: ticketers }, () => loop.ticketer()));
  const checker = await loop.as("checker");
  const killAfter = new Set(Array.from({ length: kills }, (_, n) => Math.floor(((n + 0.5) * story.length) / kills)));
  let restarts: Promise<void> = Promise.resolve();
  for (const [at, said] of story.entries()) {
    await checker.publish(flow.violation, said);
    if (!killAfter.has(at)) continue;
    await restarts;
    const victim = programs[at % programs.length];
    await victim?.kill();
    restarts = (async () => await victim?.restart())();
  }
  if (kills > 0) {
    await loop.nats.kill();
    await loop.nats.restart();
  }
  await restarts;

  const stop = new AbortController();
  const jobs: string[] = [];
  const diagnoser = await loop.as("diagnoser");
  const by = InstanceName.parse("diagnoser-1");
  const working = work(diagnoser, "diagnoser-critical", flow.job, {
    signal: stop.signal,
    handle: async ({ message: { subject, ticket, attempt }, deliveries }) => {
      if (deliveries === 1 && isTold(partsOfTicketId(ticket))) jobs.push(`${ticket}:${attempt}`);
      const about = { subject, ticket, attempt, by, atMs: Date.now() };
      await diagnoser.publish(flow.diagnosis, { phase: "started", ...about });
      await diagnoser.publish(flow.diagnosis, {
        phase: "finished",
        ...about,
        result: { kind: "failed", code: "NO_IDEA", message: "none" },
      });
    },
    exhausted: async () => {},
  });
  const isAtRest = ({ status, attempts, revision, sent }: Ticket) =>
    sent.revision === revision && (status === "closed" || attempts.every((attempt) => attempt.status === "failed"));
  const keys = new Set(story.map(({ target }) => target)).size;
  const ofStory = async () => (await loop.tickets()).filter(isTold);
  try {
    await until(
      "all is told and answered",
      ofStory,
      (tickets) => {
        const byTarget = Map.groupBy(tickets, ({ target }) => target);
        return (
          byTarget.size === keys &&
          tickets.every(isAtRest) &&
          [...byTarget].every(([target, of]) => {
            const last = story.findLast((said) => said.target === target);
            return of.some(({ violation }) => violation.asOf === last?.asOf);
          })
        );
      },
      60_000,
    );
  } finally {
    stop.abort();
    await working;
  }
  const found = await ofStory();
  // Whoever would send something twice does so within a second; this one's job goes out after two.
  await checker.publish(flow.violation, violation(1, { target: marker, mayBeExplained: true }));
  await until(
    "two seconds have passed",
    () => loop.tickets(),
    (tickets) => tickets.find(({ target }) => target === marker)?.sent.attempt === 1,
  );
  return [found, jobs, (await loop.all(flow.ticket)).filter(isTold)];
}

/** What doesn't depend on which ticketer was when where. */
function checked({
  id,
  status,
  generation,
  afterMs,
  openedAtMs,
  closedAtMs,
  closedBy,
  violation,
  occurrences,
  history,
}: Ticket) {
  const said = history.filter(({ by }) => by === "checker");
  return { id, status, generation, afterMs, openedAtMs, closedAtMs, closedBy, violation, occurrences, said };
}

/** Episodes of several targets, told among each other as checkers tell them: each state on change and every 5 s. Some are still firing in the end. */
function storyOf(seed: number, { targets, episodes }: { targets: number; episodes: number }): Violation[] {
  let state = seed;
  const draw = (below: number) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
  const all = Array.from({ length: targets }, (_, n) => {
    const target = TargetName.parse(`node-${n}`);
    const said: Violation[] = [];
    let at = 1 + draw(20);
    for (let episode = 1; episode <= episodes; episode++) {
      const sinceMs = at * 1_000;
      for (let turn = 0, turns = 1 + draw(4); turn < turns; turn++) {
        const changedAtMs = at * 1_000;
        for (const end = at + 1 + draw(15); at < end; at += 5) {
          said.push(violation(at, { target, sinceMs, changedAtMs, state: turn % 2 === 0 ? "firing" : "blind" }));
        }
      }
      if (episode < episodes || n % 2 === 0) said.push(violation(at, { target, sinceMs, state: "cleared" }));
      at += 10 + draw(100);
    }
    return said;
  });
  return all.flat().sort((a, b) => a.asOf - b.asOf);
}
