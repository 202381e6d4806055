import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { Stack } from "@operator/stack/stack";
import { expect, test } from "vitest";
import { Witness } from "./witness.ts";

// Every service is killed between every two of its writes, which a dry run finds: nothing is lost, nothing is done twice.

const graceScale = 0.2;
/** So many stacks live side by side: most of a story is waiting. */
const lanes = 2;
const services = ["observer", "checker", "ticketer", "diagnoser"] as const;
type ServiceName = (typeof services)[number];
// Each node in its turn: one that comes back again and again has to be well for longer each time.
const targets = ["node-b", "node-c", "node-a"] as const;

test("a story with a SIGKILL before and after every write of each service: one ticket, one attempt, one diagnosis", async () => {
  console.log(`graces and hold-downs are scaled by ${graceScale}`);
  await using stages = new AsyncDisposableStack();
  const all = await Promise.all(
    Array.from({ length: lanes }, async () => {
      const stack = stages.use(await Stack.start({ subject: "ratelimiter", graceScale }));
      return new Stage(stack, stages.use(new Witness(await stack.connect("cli"), stack.subject)));
    }),
  );
  const found = await Promise.all(all.map((stage) => stage.findPoints()));
  // What a clock had written once more in one dry run alone isn't a point of the story.
  const pointsOf = (service: ServiceName) =>
    (found[0]?.[service] ?? []).filter((point) => found.every((each) => each[service].includes(point)));
  const rounds = Math.max(...services.map((service) => pointsOf(service).length));
  console.log(services.map((service) => `${service}: ${pointsOf(service).join(", ")}`).join("\n"));
  for (const service of services) expect(pointsOf(service).length, `writes of the ${service}`).toBeGreaterThan(1);

  type Chosen = { service: ServiceName; point: string }[];
  let stories = lanes;
  /** Tells a story for each choice of points; gives those that no story came to. */
  const tell = async (rounds: Chosen[], what: string) => {
    const missed: Chosen = [];
    const waiting = rounds.entries();
    const tellStories = async (stage: Stage) => {
      for (const [round, chosen] of waiting) {
        const armed = await Promise.all(chosen.map(({ service, point }) => arm(stage.stack, service, point)));
        const told = chosen.map(({ service, point }) => `${service} ${point}`).join("; ");
        stories += 1;
        await stage.tellStory(`${what} ${round + 1} of ${rounds.length}: ${told}`);
        for (const { point, service, disarm } of armed) if (!(await disarm())) missed.push({ service, point });
      }
    };
    await Promise.all(all.map(tellStories));
    return missed;
  };
  const missed = await tell(
    Array.from({ length: rounds }, (_, round) =>
      services.flatMap((service) => {
        const point = pointsOf(service)[round];
        return point === undefined ? [] : [{ service, point }];
      }),
    ),
    "round",
  );
  // What is written a second time is so only if the story takes long enough: another story may.
  const never = await tell(
    missed.map((one) => [one]),
    "once more",
  );
  expect(never, "points that no story came to").toEqual([]);
  const judged = await Promise.all(all.map((stage) => stage.judge()));
  // The dry runs and each round.
  expect(judged.reduce((sum, count) => sum + count, 0)).toBe(stories);
}, 600_000);

/** A stack on which one story is told after the other. */
class Stage {
  readonly stack: Stack;
  readonly #witness: Witness;
  #told = 0;

  constructor(stack: Stack, witness: Witness) {
    this.stack = stack;
    this.#witness = witness;
  }

  /** A node dies, is diagnosed, comes back, and its ticket closes. The first two stories are about the same node. */
  async tellStory(name: string): Promise<void> {
    const witness = this.#witness;
    const target = targets[Math.max(0, this.#told++ - 1) % targets.length] ?? targets[0];
    const before = witness.ticket("node_down", target)?.generation ?? 0;
    const node = this.stack.member(target);
    const generation = () => {
      const ticket = witness.ticket("node_down", target);
      return ticket && ticket.generation > before ? ticket : undefined;
    };
    await node.kill();
    await witness.until(`${name}: diagnosed`, () => generation()?.diagnosis === "done", 45_000);
    await node.restart();
    await witness.until(`${name}: closed`, () => generation()?.status === "closed", 45_000);
    await witness.allWell();
  }

  /** Tells the story with a log of all writes; gives each service's points, those of the story first in their counts. */
  async findPoints(): Promise<Record<ServiceName, string[]>> {
    const { stack } = this;
    const logOf = (service: ServiceName) => join(stack.folder, `failpoints-${service}.log`);
    const linesOf = (service: ServiceName) =>
      existsSync(logOf(service)) ? readFileSync(logOf(service), "utf8").trim().split("\n") : [];
    await this.#witness.allWell();
    for (const service of services) {
      await stack.service(`${service}-1`).stop();
      await stack.startService(service, `${service}-1`, { OPERATOR_FAILPOINT_LOG: logOf(service) });
    }
    await this.#witness.allWell();
    const labelOf = (line: string) => line.replace(/#\d+$/, "");
    const steady = new Map(services.map((service) => [service, new Set(linesOf(service).map(labelOf))]));
    await this.tellStory("dry run");
    const points = (service: ServiceName) => {
      const counts = new Map<string, number>();
      return linesOf(service).filter((line) => {
        const label = labelOf(line);
        const count = (counts.get(label) ?? 0) + 1;
        counts.set(label, count);
        // Only the first start of all creates a checkpoint; the ticketer's own test kills it there.
        if (label.endsWith("kv.checkpoints:create")) return false;
        // What is written all the time is killed once; what only the story writes, at each of its first two times.
        return count <= (steady.get(service)?.has(label) ? 1 : 2);
      });
    };
    return {
      observer: points("observer"),
      checker: points("checker"),
      ticketer: points("ticketer"),
      diagnoser: points("diagnoser"),
    };
  }

  /** Seen over all stories: each is one generation of its node's one ticket. Gives how many there are. */
  async judge(): Promise<number> {
    const { ticketEvents, diagnoses } = this.#witness;
    const all = await this.#witness.stored();
    const stored = all.filter(({ invariant }) => invariant === "node_down");
    for (const [target, tickets] of Map.groupBy(stored, ({ target }) => target)) {
      const generations = tickets.map(({ generation }) => generation).toSorted((one, other) => one - other);
      expect(generations, target).toEqual(tickets.map((_, at) => at + 1));
    }
    for (const ticket of stored) {
      expect(ticket, ticket.id).toMatchObject({ status: "closed", closedBy: "observation", diagnosis: "done" });
      expect(ticket.attempts.length, ticket.id).toBe(1);
    }
    const finished = diagnoses
      .filter(({ phase }) => phase === "finished")
      .map(({ ticket, attempt }) => `${ticket}:${attempt}`);
    expect(finished.toSorted()).toEqual([...new Set(finished)].toSorted());
    const told = ticketEvents.map(({ id, revision }) => `${id}:${revision}`);
    expect(told.toSorted()).toEqual([...new Set(told)].toSorted());
    // A service that is away for long is a ticket of its own; a symptom of the kills would be any other.
    const others = all
      .map(({ invariant }) => invariant)
      .filter((invariant) => !["node_down", "observer_silent", "checker_silent"].includes(invariant));
    expect(others).toEqual([]);
    expect(stored).toHaveLength(this.#told);
    return stored.length;
  }
}

/** Starts a service anew with a failpoint; when it dies of it, it's started again without. `disarm` says whether it died. */
async function arm(stack: Stack, service: ServiceName, point: string) {
  const instance = `${service}-1`;
  const program = stack.service(instance);
  await program.stop();
  // A point before the service is ready ends the start itself.
  await program.restart({ OPERATOR_FAILPOINT: point }).catch(() => {});
  const died = program.exited.then(async () => {
    const { ending } = program;
    await program.restart();
    return ending === "SIGKILL";
  });
  return {
    service,
    point,
    disarm: async () => {
      if (program.running && program.ending === undefined)
        await Promise.race([died, new Promise((resolve) => setTimeout(resolve, 50))]);
      const dead = await Promise.race([died, Promise.resolve(undefined)]);
      if (dead !== undefined) return dead;
      // Never came there: end it, so that the next round starts from a service without the point.
      await program.stop();
      await died;
      return false;
    },
  };
}
