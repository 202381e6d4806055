import { readInOrder } from "@operator/bus/read-in-order";
import { flow } from "@operator/contracts/flow";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Loop } from "../cli.fixture.ts";
import { deadLetter, snapshot } from "../samples.fixture.ts";

let loop: Loop;
beforeAll(async () => {
  loop = await Loop.start();
});
afterAll(async () => {
  await loop[Symbol.asyncDispose]();
});

const run = (...argv: string[]) => loop.run(["dead-letters", ...argv]);

test("none, then the newest with why, by service, and how many more there are", async () => {
  expect((await run("list")).out).toBe("✓ No dead letters.\n");
  const checker = await loop.as("checker");
  for (let n = 1; n <= 3; n += 1)
    await checker.publish(flow.dead, deadLetter({ id: `ratelimiter:3:${n}`, sequence: n }));
  await (await loop.as("ticketer")).publish(flow.dead, deadLetter({ service: "ticketer", id: "ratelimiter:3:3" }));

  const listed = await run("list", "--service", "checker", "--limit", "2");
  expect(listed).toMatchObject({ code: 0, err: "" });
  expect(listed.out).not.toContain("ratelimiter:3:1");
  expect(listed.out).toMatch(/ratelimiter:3:2[^]*ratelimiter:3:3[^]*and 1 older: --limit 3/);
  expect(listed.out).toContain("BAD_SCHEMA: epoch: expected a number, got a string");
  const json: unknown = JSON.parse((await run("list", "--json", "--limit", "1")).out);
  expect(json).toEqual({ deadLetters: [deadLetter({ service: "ticketer", id: "ratelimiter:3:3" })], more: 3 });
  expect((await run("list", "--service", "chekcer")).err).toContain('no service "chekcer" (did you mean "checker"?)');
});

test("replay sends the original again, once; an id that fits several or none does nothing", async () => {
  const original = snapshot({ n: 7 });
  const body = JSON.stringify(original);
  const checker = await loop.as("checker");
  const headers: [string, string][] = [
    ["ce-specversion", "1.0"],
    ["ce-id", flow.snapshot.id(original)],
    ["ce-type", "operator.snapshot.v1"],
    ["ce-source", "operator/observer"],
  ];
  const letter = deadLetter({
    id: "ratelimiter:3:7",
    headers,
    bodyBase64: Buffer.from(body).toString("base64"),
    bytes: body.length,
  });
  await checker.publish(flow.dead, letter);
  await checker.publish(flow.dead, deadLetter({ id: "too-large", truncated: true }));

  expect(await run("replay", "ratelimiter:3:3")).toMatchObject({ code: 64, err: expect.stringContaining("fits 2") });
  expect(await run("replay", "ratelimiter:3:33")).toMatchObject({
    code: 66,
    err: expect.stringContaining('(did you mean "ratelimiter:3:3"?)'),
  });
  expect(await run("replay", "too-large")).toMatchObject({ code: 64, err: expect.stringContaining("only a part") });

  const first = await run("replay", "checker:ratelimiter:3:7:BAD_SCHEMA");
  expect(first).toMatchObject({ code: 0, err: "" });
  expect(first.out).toContain("✓ sent again  ratelimiter:3:7 → operator.snapshot.ratelimiter.full");
  expect((await run("replay", "ratelimiter:3:7")).out).toContain("✓ was sent again already");

  const stop = new AbortController();
  for await (const { received } of readInOrder(checker, flow.snapshot, { from: "first", signal: stop.signal })) {
    expect(received.map(({ message }) => message)).toEqual([original]);
    break;
  }
});

test("replay without the password of provision says which variable to set", async () => {
  const { url, passwords } = loop.nats;
  const file = `${loop.desk.root}/cli-only.json`;
  loop.desk.write(file, { url, passwords: { cli: passwords.cli } });
  const ended = await run("replay", "ratelimiter:3:7", "--context", file);
  expect(ended).toMatchObject({ code: 78, out: "" });
  expect(ended.err.replaceAll("\n", " ")).toContain(
    'no password for the bus\'s user "provision": set OPERATOR_NATS_PROVISION_PASSWORD',
  );
});
