import { errors } from "@nats-io/transport-node";
import { type NatsServer, startProvisionedNats } from "@operator/stack/nats-server";
import type { UserName } from "@operator/contracts/channel";
import { afterAll, beforeAll, expect, test } from "vitest";
import { ConnectionLost } from "./failure.ts";
import { Link } from "./link.ts";

let server: NatsServer;
beforeAll(async () => {
  server = await startProvisionedNats();
});
afterAll(async () => {
  await server.stop();
});

/** Asked of a worker without a message: the server answers only when the request expires. */
const unanswered = [
  "$JS.API.CONSUMER.MSG.NEXT.JOBS.diagnoser-normal",
  JSON.stringify({ batch: 1, expires: 20e9 }),
] as const;
const long = { timeoutMs: 20_000 };

test("each of a thousand questions at once gets its own answer", async () => {
  const link = await connect("diagnoser");
  const streams = ["KV_tickets", "EVIDENCE", "VERDICTS"];
  const asked = Array.from({ length: 1_000 }, (_, at) => streams[at % streams.length] ?? "");
  const answers = await Promise.all(asked.map((stream) => link.ask(`$JS.API.STREAM.INFO.${stream}`, "", long)));
  const named = answers.map((answer) => answer.json<{ config: { name: string } }>().config.name);
  expect(named).toEqual(asked);
  await link.connection.close();
});

test("where nobody answers, that's said at once", async () => {
  const link = await connect("provision");
  await expect(link.ask("$JS.API.CONSUMER.MSG.NEXT.JOBS.nobody", "", long)).rejects.toThrow(errors.NoRespondersError);
  await link.connection.close();
});

test("what the user may not ask is refused at once, and other questions aren't", async () => {
  const link = await connect("diagnoser");
  const allowed = link.ask(...unanswered, { timeoutMs: 1_500 });
  await expect(link.ask("$JS.API.STREAM.DELETE.JOBS", "", long)).rejects.toThrow(errors.PermissionViolationError);
  await expect(allowed).rejects.toThrow(errors.TimeoutError);
  await link.connection.close();
});

test("an answer that doesn't come is waited for no longer than told", async () => {
  const link = await connect("diagnoser");
  await expect(link.ask(...unanswered, { timeoutMs: 100 })).rejects.toThrow(errors.TimeoutError);
  await link.connection.close();
});

test("a connection that breaks ends every question at once, and one asked on a closed connection fails", async () => {
  const link = await connect("diagnoser");
  const asked = Array.from({ length: 3 }, () => link.ask(...unanswered, long).catch((error: unknown) => error));
  await link.connection.flush();
  await server.restart();
  for (const answer of await Promise.all(asked)) expect(answer).toBeInstanceOf(ConnectionLost);
  await link.up(10_000);
  expect((await link.ask("$JS.API.STREAM.INFO.EVIDENCE", "", long)).json()).toHaveProperty("config");
  await link.connection.close();
  await expect(link.ask(...unanswered, long)).rejects.toThrow("closed");
});

function connect(user: UserName): Promise<Link> {
  const { url: servers, passwords } = server;
  return Link.connect({ servers, user, password: passwords[user], instance: "asking", log: () => {}, counters: {} });
}
