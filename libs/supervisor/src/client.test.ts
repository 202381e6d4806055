import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer, type RequestListener } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { actuatorClient, type ClientLimits } from "./client.ts";

test("nobody at the socket is said with its path", async () => {
  await using client = actuatorClient("nowhere/actuator.sock");
  await expect(client.list()).rejects.toMatchObject({
    code: "SUPERVISOR_AWAY",
    message: expect.stringContaining("GET /members at nowhere/actuator.sock"),
  });
});

test.for([
  { answer: "hello", why: "no JSON" },
  { answer: `{"members":[{"target":"member-a","kind":"node","state":"asleep"}]}`, why: "an unknown state" },
  { answer: `{"already":true}`, why: "another answer" },
])("an answer with $why is refused", async ({ answer }) => {
  await using served = await serve((_request, response) => response.end(answer));
  await expect(served.client.list()).rejects.toMatchObject({
    code: "BAD_ANSWER",
    message: expect.stringContaining(JSON.stringify(answer).slice(0, 40)),
  });
});

test("an answer larger than 1 MB isn't read", async () => {
  await using served = await serve((_request, response) => response.end(`{"members":[]}${" ".repeat(1024 * 1024)}`));
  await expect(served.client.list()).rejects.toMatchObject({ code: "SUPERVISOR_AWAY" });
});

test("no answer in time is late, and a verb may have been done", async () => {
  await using served = await serve(() => {}, { listWithinMs: 50, verbWithinMs: 60 });
  await expect(served.client.list()).rejects.toMatchObject({
    code: "SUPERVISOR_LATE",
    message: expect.stringMatching(/within 50 ms$/),
  });
  await expect(served.client.start("member-a")).rejects.toMatchObject({
    code: "SUPERVISOR_LATE",
    message: expect.stringContaining("within 60 ms; whether it was done"),
  });
});

test("an answer that stops halfway is late too", async () => {
  await using served = await serve((_request, response) => response.write(`{"members":`), { listWithinMs: 50 });
  await expect(served.client.list()).rejects.toMatchObject({ code: "SUPERVISOR_LATE" });
});

test("who gives up gets their own reason", async () => {
  await using served = await serve(() => {});
  const abort = new AbortController();
  const start = served.client.start("member-a", abort.signal);
  const reason = new Error("the claim is over");
  abort.abort(reason);
  await expect(start).rejects.toBe(reason);
});

/** A server of another kind at the socket. */
async function serve(listener: RequestListener, limits: ClientLimits = {}) {
  const folder = await mkdtemp(join(tmpdir(), "operator-socket-"));
  const socketPath = join(folder, "actuator.sock");
  const server = createServer(listener);
  server.listen(socketPath);
  await once(server, "listening");
  const client = actuatorClient(socketPath, limits);
  return {
    client,
    [Symbol.asyncDispose]: async () => {
      await client[Symbol.asyncDispose]();
      server.close();
      server.closeAllConnections();
      await rm(folder, { recursive: true });
    },
  };
}
