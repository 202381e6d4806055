import { join } from "node:path";
import { flow } from "@operator/contracts/flow";
import { Program } from "@operator/stack/program";
import { root } from "@operator/stack/servers";
import { afterAll, beforeAll, expect, test } from "vitest";
import { z } from "zod";
import { Loop, until } from "../cli.fixture.ts";
import { violation } from "../samples.fixture.ts";

// A real ticketer answers; the test speaks as the checker.
let loop: Loop;
let ticketer: Program;
beforeAll(async () => {
  loop = await Loop.start();
  ticketer = await Program.start({
    name: "ticketer",
    file: process.execPath,
    arguments: [join(root, "services", "ticketer", "src", "main.ts")],
    environment: {
      OPERATOR_NATS_URL: loop.nats.url,
      OPERATOR_NATS_PASSWORD: loop.nats.passwords.ticketer,
      OPERATOR_INSTANCE: "ticketer-1",
      OPERATOR_SUBJECTS: "ratelimiter",
      OPERATOR_HTTP_PORT: "0",
    },
    logFile: join(loop.desk.root, "ticketer.log"),
    ready: { line: '"msg":"ready"' },
  });
});
afterAll(async () => {
  await ticketer.stop();
  await loop[Symbol.asyncDispose]();
});

const run = (...argv: string[]) => loop.run(["tickets", ...argv]);
const say = async (given: Parameters<typeof violation>[0]) =>
  await (await loop.as("checker")).publish(flow.violation, violation(given));
const List = z.object({ tickets: z.array(z.object({ id: z.string(), status: z.string() })), more: z.number() });
const listed = async (...argv: string[]) => List.parse(JSON.parse((await run("list", "--json", ...argv)).out));

/** Breaks node_down of a target, and waits for its ticket. */
async function broken(target: string, given: Parameters<typeof violation>[0] = {}): Promise<string> {
  const id = `ratelimiter.node_down.${target}.1`;
  await say({ target, ...given });
  await until(`ticket ${id}`, async () => (await listed()).tickets.find((ticket) => ticket.id === id));
  return id;
}

test("a violation's ticket is listed and shown; open, closed, all; no more than the limit", async () => {
  expect((await run("list", "--status", "closed")).out).toBe("No closed tickets.\n");
  const id = await broken("list-a");
  await broken("list-b", { severity: "warning" });
  const page = await run("show", "node_down.list-a");
  expect(page).toMatchObject({ code: 0, err: "" });
  expect(page.out.startsWith(`${id}\n✖ firing · critical\n`)).toBe(true);
  const whole: unknown = JSON.parse((await run("show", id, "--json")).out);
  expect(whole).toMatchObject({ id, status: "open", violation: { target: "list-a" } });

  const text = (await run("list")).out;
  expect(text.indexOf("list-a.1"), "critical before warning").toBeLessThan(text.indexOf("list-b.1"));
  const first = await listed("--limit", "1");
  expect(first.tickets).toHaveLength(1);
  expect(first.more).toBeGreaterThanOrEqual(1);
  expect((await run("list", "--limit", "1")).out).toMatch(/and \d+ more: --limit \d+\n$/);

  expect(await run("show", "node_down.lst-a")).toMatchObject({
    code: 66,
    out: "",
    err: expect.stringContaining('did you mean "node_down.list-a"?'),
  });
  const ambiguous = await run("ack", "node_down", "--json");
  expect(ambiguous).toMatchObject({ code: 64, out: "" });
  expect(JSON.parse(ambiguous.err)).toMatchObject({
    error: { code: "TICKET_AMBIGUOUS", tickets: expect.arrayContaining([id]) },
  });
});

const Outcome = z.object({
  command: z.uuid(),
  ticket: z.string(),
  entry: z.object({ kind: z.string(), by: z.string(), text: z.string(), command: z.uuid() }),
  revision: z.number(),
  status: z.string(),
  tookMs: z.number(),
});

test("each word has its outcome from the ticketer, with who said it", async () => {
  const id = await broken("words");
  const words: [string[], string][] = [
    [["ack"], "acknowledged"],
    [["hold", "--reason", "is being replaced"], "held"],
    [["comment", "--text", "the new one boots"], "commented"],
    [["unhold"], "unheld"],
    [["resolve", "--reason", "replaced", "--force", "--by", "grace"], "resolved"],
  ];
  for (const [[word = "", ...rest], kind] of words) {
    const ended = await run(word, id, ...rest, "--json");
    expect(ended, word).toMatchObject({ code: 0, err: "" });
    const outcome = Outcome.parse(JSON.parse(ended.out));
    expect(outcome).toMatchObject({ ticket: id, entry: { kind, by: word === "resolve" ? "grace" : "ada" } });
    expect(outcome.entry.command).toBe(outcome.command);
  }
  expect((await listed("--status", "closed")).tickets).toContainEqual({ id, status: "closed" });
  const page = (await run("show", id)).out;
  for (const [, kind] of words) expect(page).toMatch(new RegExp(`${kind} .*– (ada|grace)`));
  expect(page).toContain("forced by grace");
});

test("said to a person: what became of it, and what to type next", async () => {
  await broken("said");
  const ended = await run("hold", "node_down.said", "--reason", "is being replaced");
  expect(ended).toMatchObject({ code: 0, err: "" });
  expect(ended.out).toMatch(
    /^✓ held {2}ratelimiter\.node_down\.said\.1 {2}by ada in \d+(\.\d)? m?s\n {2}is being replaced\n/,
  );
  expect(ended.out).toContain("operator tickets show ratelimiter.node_down.said.1");
});

test("a refusal ends with 3 and the ticketer's code", async () => {
  const id = await broken("refusal");
  const ended = await run("resolve", id, "--reason", "looks fine", "--json");
  expect(ended).toMatchObject({ code: 3, out: "" });
  expect(JSON.parse(ended.err)).toMatchObject({
    error: { code: "STILL_BROKEN", ticket: id, command: expect.any(String) },
  });
  expect((await run("unhold", id)).err).toContain("[NOT_HELD]");
});

test("--follow shows what changes and ends when fresh observations close the ticket", async () => {
  const id = await broken("follow");
  const said: string[] = [];
  const following = loop.run(["tickets", "show", id, "--follow"], { out: (text) => void said.push(text) });
  await until("the page", () => said.length > 0 || undefined);
  await run("comment", id, "--text", "seen while following");
  await until("the comment", () => said.some((text) => text.includes("seen while following")) || undefined);
  const nowMs = Date.now();
  await say({ target: "follow", state: "cleared", asOf: nowMs, changedAtMs: nowMs });
  expect((await following).code).toBe(0);
  const after = said.slice(1).join("");
  expect(after).toMatch(/commented +seen while following – ada\n[^]*cleared /);
  expect(said[0], "the page shows each entry once").not.toContain("seen while following");
});

test("--follow --json says the whole ticket at each change, until Ctrl-C", async () => {
  const id = await broken("follow-json");
  const lines: string[] = [];
  const stop = new AbortController();
  const following = loop.run(["tickets", "show", id, "--follow", "--json"], {
    signal: stop.signal,
    out: (text) => void lines.push(text),
  });
  await until("the first", () => lines.length > 0 || undefined);
  await run("ack", id);
  await until("the change", () => lines.length > 1 || undefined);
  stop.abort();
  expect((await following).code).toBe(0);
  const revisions = lines.map((line) => z.object({ revision: z.number() }).parse(JSON.parse(line)).revision);
  expect(revisions).toEqual(revisions.toSorted((a, b) => a - b));
  expect(new Set(revisions).size).toBe(revisions.length);
});

test("a generation that another one followed is named, and takes no word any more", async () => {
  const id = await broken("again");
  const firstEndMs = violation().asOf + 10_000;
  await say({ target: "again", state: "cleared", asOf: firstEndMs, changedAtMs: firstEndMs });
  await until("closed", async () => (await listed("--status", "closed")).tickets.find((ticket) => ticket.id === id));
  const sinceMs = firstEndMs + 5_000;
  await say({ target: "again", sinceMs, changedAtMs: sinceMs, asOf: sinceMs });
  const second = "ratelimiter.node_down.again.2";
  await until("the second", async () => (await listed()).tickets.find((ticket) => ticket.id === second));
  expect((await run("show", "node_down.again")).out.startsWith(second)).toBe(true);
  expect((await run("show", id)).out.startsWith(id)).toBe(true);
  const ended = await run("comment", id, "--text", "too late");
  expect(ended).toMatchObject({ code: 64, out: "" });
  expect(ended.err).toContain(`${id} is over, and came back as ${second}`);
});

test("hostile text in a violation reaches the terminal as visible characters", async () => {
  await broken("hostile", { summary: "\x1b[2J\x1b]0;owned\x07 \u202egood" });
  for (const argv of [["list"], ["show", "node_down.hostile"], ["show", "node_down.hostile", "--json"]])
    expect((await run(...argv)).out, argv.join(" ")).not.toMatch(/[^\P{Cc}\n]|\u202e/u);
});

test("without a ticketer a command isn't lost: no answer ends with 4, and is carried out when one is back", async () => {
  const id = await broken("nobody");
  await ticketer.kill();
  const ended = await run("ack", id, "--json");
  expect(ended).toMatchObject({ code: 4, out: "" });
  expect(JSON.parse(ended.err)).toMatchObject({ error: { code: "NO_ANSWER", ticket: id } });
  await ticketer.restart();
  await until("carried out", async () => (await run("show", id)).out.includes("acknowledged by ada") || undefined);
});
