import type { UserName } from "@operator/contracts/channel";
import { readInOrder } from "@operator/bus/read-in-order";
import type { DeadLetter } from "@operator/contracts/dead-letter";
import { flow } from "@operator/contracts/flow";
import { Stack } from "@operator/stack/stack";
import { expect, test } from "vitest";
import { Witness } from "./witness.ts";

// What can't be read is a dead letter with its bytes and a code, and nobody waits for it.

const hostile: { what: string; as: UserName; address: string; body: string; service: string; code: string }[] = [
  {
    what: "no headers",
    as: "observer",
    address: "operator.snapshot.ratelimiter.full",
    body: '{"subject":"ratelimiter"}',
    service: "checker",
    code: "BAD_TYPE",
  },
  {
    what: "too large to be kept whole",
    as: "observer",
    address: "operator.snapshot.ratelimiter.full",
    body: "x".repeat(3_000_000),
    service: "checker",
    code: "BAD_TYPE",
  },
  {
    what: "no JSON",
    as: "checker",
    address: "operator.violation.ratelimiter.node_down.node-a",
    body: "\u0000\u001b[31m",
    service: "ticketer",
    code: "BAD_TYPE",
  },
  {
    what: "a diagnosis of nothing",
    as: "diagnoser",
    address: "operator.diagnosis.ratelimiter.node_down.node-x.1.1.finished",
    body: "[]",
    service: "ticketer",
    code: "BAD_TYPE",
  },
  {
    what: "a job of nothing",
    as: "ticketer",
    address: "operator.job.ratelimiter.critical.node_down.node-x.1.1",
    body: "null",
    service: "diagnoser",
    code: "BAD_TYPE",
  },
  {
    what: "a command of nothing",
    as: "cli",
    address: "operator.command.ratelimiter.node_down.node-x.1",
    body: "{}",
    service: "ticketer",
    code: "BAD_TYPE",
  },
];

test("malformed and oversized messages on every channel become dead letters, and the loop goes on", async () => {
  await using stack = await Stack.start({ subject: "ratelimiter" });
  const bus = await stack.connect("cli");
  await using witness = new Witness(bus, stack.subject);
  await witness.allWell();

  const letters: DeadLetter[] = [];
  const stop = new AbortController();
  const reading = (async () => {
    for await (const { received } of readInOrder(bus, flow.dead, { from: "first", signal: stop.signal }))
      letters.push(...received.map(({ message }) => message));
  })();
  for (const { as, address, body } of hostile) {
    // Past the library, which would refuse it: as anyone with these credentials could.
    const raw = (await stack.connect(as)).link.connection;
    raw.publish(address, body);
    await raw.flush();
  }
  await witness.until("a dead letter for each", () => letters.length >= hostile.length);
  for (const { what, address, body, service, code } of hostile) {
    const letter = letters.find((one) => one.address === address && one.bytes === Buffer.byteLength(body));
    expect(letter, what).toMatchObject({ service, code });
    const kept = Buffer.from(letter?.bodyBase64 ?? "", "base64").toString();
    expect(body.startsWith(kept) && (letter?.truncated === true || kept === body), `${what}: its bytes are kept`).toBe(
      true,
    );
  }

  await stack.member("node-b").kill();
  const ticket = await witness.until("a diagnosed ticket", () => {
    const found = witness.ticket("node_down", "node-b");
    return found?.diagnosis === "done" && found;
  });
  expect(ticket.attempts).toHaveLength(1);
  expect(witness.ticketIds()).toEqual([ticket.id]);
  expect(letters).toHaveLength(hostile.length);
  stop.abort();
  await reading;
});
