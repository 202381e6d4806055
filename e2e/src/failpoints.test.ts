import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { Stack } from "@operator/stack/stack";
import { expect, test } from "vitest";
import { Witness } from "./witness.ts";

// Every service is killed between every two of its writes, which a dry run finds: nothing is lost, nothing is done twice.

const graceScale = 0.2;
const services = ["observer", "checker", "ticketer", "diagnoser"] as const;
type ServiceName = (typeof services)[number];
const target = "node-b";

test("a story with a SIGKILL before and after every write of each service: one ticket, one attempt, one diagnosis", async () => {
  console.log(`graces and hold-downs are scaled by ${graceScale}`);
  await using stack = await Stack.start({ subject: "ratelimiter", graceScale });
  await using witness = new Witness(await stack.connect("cli"), stack.subject);
  await witness.allWell();

  const points = await findPoints(stack, witness);
  const rounds = Math.max(...services.map((service) => points[service].length));
  console.log(services.map((service) => `${service}: ${points[service].join(", ")}`).join("\n"));
  for (const service of services) expect(points[service].length, `writes of the ${service}`).toBeGreaterThan(1);

  const missed: string[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const chosen = services.flatMap((service) => {
      const point = points[service][round];
      return point === undefined ? [] : [{ service, point }];
    });
    const armed = await Promise.all(chosen.map(({ service, point }) => arm(stack, service, point)));
    await tellStory(
      stack,
      witness,
      `round ${round + 1} of ${rounds}: ${chosen.map(({ service, point }) => `${service} ${point}`).join("; ")}`,
    );
    for (const { point, service, disarm } of armed) if (!(await disarm())) missed.push(`${service} ${point}`);
  }
  expect(missed, "points that a story never came to").toEqual([]);

  // Seen over all stories: the dry run and each round are one generation of the one ticket.
  const stored = (await witness.stored()).filter(({ invariant }) => invariant === "node_down");
  expect(stored.map(({ generation }) => generation).toSorted((one, other) => one - other)).toEqual(
    Array.from({ length: rounds + 1 }, (_, at) => at + 1),
  );
  for (const ticket of stored) {
    expect(ticket, ticket.id).toMatchObject({ target, status: "closed", closedBy: "observation", diagnosis: "done" });
    expect(ticket.attempts.length, ticket.id).toBe(1);
  }
  const finished = witness.diagnoses
    .filter(({ phase }) => phase === "finished")
    .map(({ ticket, attempt }) => `${ticket}:${attempt}`);
  expect(finished.toSorted()).toEqual([...new Set(finished)].toSorted());
  const told = witness.ticketEvents.map(({ id, revision }) => `${id}:${revision}`);
  expect(told.toSorted()).toEqual([...new Set(told)].toSorted());
  // A service that is away for long is a ticket of its own; a symptom of the kills would be any other.
  const others = (await witness.stored())
    .map(({ invariant }) => invariant)
    .filter((invariant) => !["node_down", "observer_silent", "checker_silent"].includes(invariant));
  expect(others).toEqual([]);
}, 600_000);

/** A node dies, is diagnosed, comes back, and its ticket closes. */
async function tellStory(stack: Stack, witness: Witness, name: string): Promise<void> {
  const before = witness.ticket("node_down", target)?.generation ?? 0;
  const node = stack.member(target);
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

/** Runs the story once with a log of all writes; gives each service's points, those of the story first in their counts. */
async function findPoints(stack: Stack, witness: Witness): Promise<Record<ServiceName, string[]>> {
  const logOf = (service: ServiceName) => join(stack.folder, `failpoints-${service}.log`);
  const linesOf = (service: ServiceName) =>
    existsSync(logOf(service)) ? readFileSync(logOf(service), "utf8").trim().split("\n") : [];
  for (const service of services) {
    await stack.service(`${service}-1`).stop();
    await stack.startService(service, `${service}-1`, { OPERATOR_FAILPOINT_LOG: logOf(service) });
  }
  await witness.allWell();
  const labelOf = (line: string) => line.replace(/#\d+$/, "");
  const steady = new Map(services.map((service) => [service, new Set(linesOf(service).map(labelOf))]));
  await tellStory(stack, witness, "dry run");
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
