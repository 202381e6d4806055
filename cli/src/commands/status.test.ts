import { flow } from "@operator/contracts/flow";
import { Ticket } from "@operator/contracts/ticket";
import { violationKeyOf } from "@operator/contracts/violation";
import { afterAll, beforeAll, expect, test } from "vitest";
import { z } from "zod";
import { Loop, until } from "../cli.fixture.ts";
import { ticket, verdicts } from "../samples.fixture.ts";

let loop: Loop;
beforeAll(async () => {
  loop = await Loop.start();
});
afterAll(async () => {
  await loop[Symbol.asyncDispose]();
});

const Document = z.object({
  atMs: z.number(),
  subjects: z.array(
    z.object({
      subject: z.string(),
      verdicts: z.object({ lines: z.array(z.object({ state: z.string() })) }).nullable(),
      verdictsAgeMs: z.number().nullable(),
      openTickets: z.array(z.object({ id: z.string() })),
    }),
  ),
});

test("before any verdicts it asks for a checker; then it shows them, their age, and the open tickets", async () => {
  const before = await loop.run(["status"]);
  expect(before).toMatchObject({ code: 0, err: "" });
  expect(before.out).toContain("is a checker running for this subject?");
  expect(before.out).toContain("No open ticket.");

  await (await loop.as("checker")).publish(flow.verdicts, verdicts());
  const tickets = await (await loop.as("ticketer")).bucket("tickets", Ticket);
  const open = ticket();
  const closed = ticket({ id: "ratelimiter.node_down.node-b.1", target: "node-b", status: "closed" });
  for (const one of [open, closed]) await tickets.create(violationKeyOf(one), one);
  // As when a case is about to move on: archived already, and still the newest.
  await tickets.create(open.id, open);

  const after = await loop.run(["status"]);
  expect(after).toMatchObject({ code: 0, err: "" });
  expect(after.out).toMatch(/^ratelimiter {3}2 firing, 1 pending/);
  expect(after.out).toMatch(/verdicts are \d+ ms old · of snapshot 3\/453/);
  expect(after.out).toContain("Open tickets: 1");

  const json = await loop.run(["status", "--subject", "ratelimiter", "--json"]);
  expect(json.out.trim().split("\n")).toHaveLength(1);
  const [subject] = Document.parse(JSON.parse(json.out)).subjects;
  expect(subject?.verdicts?.lines).toHaveLength(7);
  expect(subject?.openTickets.map(({ id }) => id)).toEqual([open.id]);
});

test("a mistyped subject is answered with the right one, and nothing is guessed", async () => {
  const ended = await loop.run(["status", "--subject", "ratelimitr"]);
  expect(ended).toMatchObject({ code: 64, out: "" });
  expect(ended.err).toContain('no subject "ratelimitr" (did you mean "ratelimiter"?)');
});

test("--watch --json says a document a second until Ctrl-C, and says so when the bus goes away and comes back", async () => {
  const stop = new AbortController();
  const lines: string[] = [];
  const watching = loop.run(["status", "--watch", "--json"], {
    signal: stop.signal,
    out: (text) => void lines.push(text),
  });
  const Line = z.union([Document, z.object({ error: z.object({ code: z.literal("BUS_UNREACHABLE") }) })]);
  const newest = () => (lines.length === 0 ? undefined : Line.parse(JSON.parse(lines.at(-1) ?? "")));
  await until("two documents", () => (lines.length >= 2 && "subjects" in (newest() ?? {})) || undefined);
  await loop.nats.kill();
  await until("it says that the bus is away", () => "error" in (newest() ?? {}) || undefined);
  await loop.nats.restart();
  await until("it sees again", () => "subjects" in (newest() ?? {}) || undefined);
  stop.abort();
  expect((await watching).code).toBe(0);
});

test("--watch on a terminal draws in place, cut to the screen", async () => {
  const stop = new AbortController();
  const frames: string[] = [];
  const watching = loop.run(["status", "--watch"], {
    signal: stop.signal,
    isTerminal: true,
    rows: 12,
    columns: 80,
    out: (text) => void frames.push(text),
  });
  await until("a frame", () => frames.length > 0 || undefined);
  stop.abort();
  expect((await watching).code).toBe(0);
  const [frame = ""] = frames;
  expect(frame.startsWith("\x1b[H")).toBe(true);
  expect(frame.endsWith("\x1b[J")).toBe(true);
  expect(frame.split("\n").length).toBeLessThanOrEqual(12);
  expect(frame).toMatch(/… \d+ more lines/);
});
