import { Silence } from "@operator/contracts/silence";
import { Ticket } from "@operator/contracts/ticket";
import { violationKeyOf } from "@operator/contracts/violation";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Loop } from "../cli.fixture.ts";
import { ticket } from "../samples.fixture.ts";

let loop: Loop;
beforeAll(async () => {
  loop = await Loop.start();
});
afterAll(async () => {
  await loop[Symbol.asyncDispose]();
});

const run = (...argv: string[]) => loop.run(argv);
const add = (...more: string[]) =>
  run("silence", "add", "--subject", "ratelimiter", "--for", "2h", "--reason", "a drill", ...more);

test("a target is silenced for a time, listed, marked at its tickets, and heard of again", async () => {
  expect((await run("silence", "list")).out).toBe("Nothing is silenced.\n");
  const sample = ticket();
  const tickets = await (await loop.as("ticketer")).bucket("tickets", Ticket);
  await tickets.create(violationKeyOf(sample), sample);
  expect((await run("tickets", "list")).out).not.toContain("silenced");

  const added = await add("--target", sample.target, "--json");
  expect(added).toMatchObject({ code: 0, err: "" });
  const silence = Silence.parse(JSON.parse(added.out));
  expect(silence).toMatchObject({ subject: "ratelimiter", target: sample.target, by: "ada", reason: "a drill" });
  expect(silence.untilMs - silence.atMs).toBe(7_200_000);
  const listed = (await run("silence", "list")).out;
  expect(listed).toContain(silence.id);
  expect(listed).toContain("a drill");
  expect((await run("tickets", "list")).out).toContain("silenced until");

  expect((await run("silence", "remove", silence.id)).code).toBe(0);
  expect((await run("tickets", "list")).out).not.toContain("silenced");
  const gone = await run("silence", "remove", silence.id);
  expect(gone).toMatchObject({ code: 66 });
  expect(gone.err).toContain(`no silence "${silence.id}"`);
});

test("a silence whose time is over isn't listed, and marks nothing", async () => {
  const early = { nowMs: () => Date.now() - 10_000_000 };
  await loop.run(
    ["silence", "add", "--subject", "ratelimiter", "--target", ticket().target, "--for", "2h", "--reason", "r"],
    early,
  );
  expect((await run("silence", "list")).out).toBe("Nothing is silenced.\n");
  expect((await run("tickets", "list")).out).not.toContain("silenced");
});

test.each([
  ["longer than a week", ["--target", "node-a", "--for", "8d"], "from 1.0 s to 7"],
  ["a name that is none", ["--target", "node-a", "--invariant", "Node Down"], "an invariant's name is wanted"],
])("%s is refused", async (_, more, why) => {
  const refused = await add(...more);
  expect(refused.code).toBe(64);
  expect(refused.err).toContain(why);
});
