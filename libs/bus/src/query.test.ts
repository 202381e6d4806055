import { queries } from "@operator/contracts/query";
import { Snapshot } from "@operator/contracts/snapshot";
import { type NatsServer, startProvisionedNats } from "@operator/stack/nats-server";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Bus } from "./bus.ts";
import { connectAs, connectRaw } from "./bus.fixture.ts";
import { answerQueries, ask } from "./query.ts";

let server: NatsServer;
let observer: Bus;
let actuator: Bus;
beforeAll(async () => {
  server = await startProvisionedNats();
  [observer, actuator] = [await connectAs(server, "observer"), await connectAs(server, "actuator")];
});
afterAll(async () => {
  await Promise.all([observer.close(), actuator.close()]);
  await server.stop();
});

const snapshot = Snapshot.parse({
  subject: "ratelimiter",
  epoch: 1,
  n: 1,
  atMs: 1,
  cause: "rhythm",
  sources: {},
  parts: {},
});

/** Answers on a subject of its own; the subscription is at the server when it resolves. */
async function answering(subject: string, answer: () => Promise<Snapshot | undefined>): Promise<AbortController> {
  const stop = new AbortController();
  answerQueries(observer, queries.state, subject, stop.signal, answer);
  await observer.link.connection.flush();
  return stop;
}

test("a question is answered, and by nobody once it stopped", async () => {
  const stop = await answering("one", () => Promise.resolve(snapshot));
  expect(await ask(actuator, queries.state, "one", {})).toEqual(snapshot);
  stop.abort();
  await observer.link.connection.flush();
  await expect(ask(actuator, queries.state, "one", {})).rejects.toMatchObject({ code: "NO_ANSWER" });
});

test("who isn't active leaves it to another", async () => {
  const idle = await answering("two", () => Promise.resolve(undefined));
  const active = await answering("two", () => Promise.resolve(snapshot));
  expect(await ask(actuator, queries.state, "two", {})).toEqual(snapshot);
  for (const stop of [idle, active]) stop.abort();
});

test("a failure is told, and an answer that is none is refused", async () => {
  const failing = await answering("three", () => Promise.reject(new Error("no source can be read")));
  const asked = ask(actuator, queries.state, "three", {});
  await expect(asked).rejects.toMatchObject({ code: "QUERY_FAILED", message: expect.stringContaining("no source") });
  failing.abort();
  // Not even the type knows it: what another version of the observer may say.
  const odd: Snapshot = JSON.parse('{"subject":"ratelimiter"}');
  const wrong = await answering("four", () => Promise.resolve(odd));
  await expect(ask(actuator, queries.state, "four", {})).rejects.toMatchObject({ code: "BAD_ANSWER" });
  wrong.abort();
});

test("an answer that is too large is refused instead of sent", async () => {
  const large = { ...snapshot, parts: { registry: { cluster: "x".repeat(1024 * 1024) } } } as Snapshot;
  const stop = await answering("five", () => Promise.resolve(large));
  await expect(ask(actuator, queries.state, "five", {})).rejects.toMatchObject({ code: "ANSWER_TOO_LARGE" });
  stop.abort();
});

test("nobody is made to answer into the loop: the answer goes to an asker's inbox or nowhere", async () => {
  const stop = await answering("six", () => Promise.resolve(snapshot));
  const raw = await connectRaw(server, "actuator");
  const watch = await connectRaw(server, "watch");
  const heard: string[] = [];
  watch.subscribe("operator.>", { callback: (_, message) => void heard.push(message.subject) });
  await watch.flush();
  raw.publish("operator.query.six.state", "{}", { reply: "operator.snapshot.ratelimiter.full" });
  await raw.flush();
  expect(await ask(actuator, queries.state, "six", {})).toEqual(snapshot);
  await watch.flush();
  expect(heard).not.toContain("operator.snapshot.six.full");
  expect(heard.filter((address) => address.startsWith("operator.snapshot."))).toEqual([]);
  stop.abort();
  await Promise.all([raw.close(), watch.close()]);
});

test("who may not ask isn't heard", async () => {
  const stop = await answering("seven", () => Promise.resolve(snapshot));
  await using diagnoser = await connectAs(server, "diagnoser");
  await expect(ask(diagnoser, queries.state, "seven", {}, { withinMs: 500 })).rejects.toMatchObject({
    code: "NO_ANSWER",
  });
  stop.abort();
});
