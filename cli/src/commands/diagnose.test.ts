import { flow } from "@operator/contracts/flow";
import { Ticket } from "@operator/contracts/ticket";
import { Verdicts } from "@operator/contracts/verdicts";
import { violationKeyOf } from "@operator/contracts/violation";
import { type Breach, lineOf, snapshotAt, ticketOf, violationOf } from "@operator/evidence/case.fixture";
import { afterAll, beforeAll, expect, test } from "vitest";
import { z } from "zod";
import { Desk, Loop } from "../cli.fixture.ts";
import { diagnosis } from "../samples.fixture.ts";

const apiKey = "canary-of-the-environment";
const brokenAtMs = Date.now() - 5_000;
let loop: Loop;
beforeAll(async () => {
  loop = await Loop.start();
});
afterAll(async () => {
  await loop[Symbol.asyncDispose]();
});

const run = (...argv: string[]) =>
  loop.run(["diagnose", ...argv], { env: { USER: "ada", ANTHROPIC_API_KEY: apiKey }, columns: 200 });

/** Puts a ticket in KV as the ticketer does, a closed one as an earlier generation. */
async function file(breach: Breach, changed: object = {}, generation = 1): Promise<Ticket> {
  const ticket = Ticket.parse({ ...ticketOf(violationOf(breach), generation), ...changed });
  const tickets = await (await loop.as("ticketer")).bucket("tickets", Ticket);
  const key = violationKeyOf(ticket);
  await tickets.create(ticket.status === "closed" ? ticket.id : key, ticket);
  return ticket;
}

/** A node that refuses, one second after it was well, with what it last said. */
function refusing(target: string, said: string): Required<Pick<Breach, "target" | "pointers" | "bad" | "good">> {
  const probe = (state: string) => ({ probe: { [target]: { state, sinceMs: brokenAtMs, address: "127.0.0.1:1" } } });
  const bad = { probe: { [target]: { ...probe("refused").probe[target], said } } };
  return {
    target,
    pointers: [`/parts/probe/${target}/state`],
    bad: snapshotAt(brokenAtMs, bad),
    good: snapshotAt(brokenAtMs - 1_000, probe("up")),
  };
}

const Planned = z.looseObject({
  ticket: z.string(),
  attempt: z.number(),
  model: z.string(),
  estimate: z.object({
    bytes: z.number(),
    question: z.object({ tokens: z.number(), usd: z.number() }),
    most: z.object({ answerTokens: z.number(), usd: z.number() }),
  }),
  request: z.looseObject({
    model: z.string(),
    system: z.array(z.looseObject({ text: z.string() })),
    messages: z.array(z.object({ role: z.literal("user"), content: z.string() })),
  }),
});

test("what would be sent is shown, with size and cost: the evidence, the verdicts, the earlier tickets, the actions; no secret", async () => {
  const { cli, watch } = loop.nats.passwords;
  const said = `${apiKey}, ${cli}, ${watch}, password=hunter2hunter2`;
  const breach = { invariant: "node_down", ...refusing("node-a", said), violation: { summary: `refused: ${said}` } };
  const checker = await loop.as("checker");
  await checker.publish(flow.evidence, breach.good);
  await checker.publish(flow.evidence, breach.bad);
  const line = lineOf("node_down", "node-a", "firing", brokenAtMs);
  const verdicts = { subject: "ratelimiter", asOf: brokenAtMs, snapshot: { epoch: 7, n: 1 }, lines: [line] };
  await checker.publish(flow.verdicts, Verdicts.parse(verdicts));
  const queued = ticketOf(violationOf(breach)).attempts[0];
  const done = [{ ...queued, status: "done", endedAtMs: brokenAtMs, diagnosis }];
  await file(breach, { attempts: done, status: "closed", closedAtMs: brokenAtMs });
  const { id } = await file(breach, {}, 2);

  const page = await run("node_down.node-a.2", "--dry-run");
  expect(page).toMatchObject({ code: 0, err: "" });
  for (const part of [
    id,
    "send to Claude for attempt 1. Nothing was sent.",
    "claude-opus-5-5, effort high",
    "USD for the question; at most",
    "restart_node (risk",
    "get_reading: What one source reads now",
    "/parts/probe/node-a/state",
    "refused",
    '"verdict"',
    "ratelimiter.node_down.node-a.1",
  ])
    expect(page.out).toContain(part);

  const json = await run(id, "--dry-run", "--json", "--model", "claude-haiku-5-5", "--effort", "low");
  const planned = Planned.parse(JSON.parse(json.out));
  expect(planned).toMatchObject({ ticket: id, attempt: 1, model: "claude-haiku-5-5", isPriced: true });
  expect(planned).not.toHaveProperty("notAsked");
  expect(planned.request).toMatchObject({ model: "claude-haiku-5-5", output_config: { effort: "low" } });
  const { bytes, question, most } = planned.estimate;
  expect(bytes).toBe(Buffer.byteLength(JSON.stringify(planned.request)));
  expect(question.usd).toBeGreaterThan(0);
  expect(most.usd).toBeGreaterThan(question.usd);

  const asked = planned.request.messages[0]?.content ?? "";
  expect(asked).toContain(diagnosis.answer.headline);
  expect(asked).toContain("refused: [secret], [secret], [secret], password=[secret]");
  for (const secret of [apiKey, cli, watch, "hunter2hunter2"]) {
    expect(page.out).not.toContain(secret);
    expect(json.out).not.toContain(secret);
  }
});

test("an attempt that is over is followed by the next", async () => {
  const breach = { invariant: "node_down", target: "node-b" };
  const queued = ticketOf(violationOf(breach)).attempts[0];
  const failed = { ...queued, status: "failed", endedAtMs: brokenAtMs, failure: { code: "X", message: "x" } };
  const { id } = await file(breach, { attempts: [failed] });
  expect(Planned.parse(JSON.parse((await run(id, "--dry-run", "--json")).out)).attempt).toBe(2);
});

test("a case without facts would be sent to nobody, which is said; a model without a price is the dearest", async () => {
  const detail = { kind: "silent_service", service: "checker", silentMs: 5_000 } as const;
  const { id } = await file({ invariant: "checker_silent", target: "checker", detail });
  const ended = await run(id, "--dry-run", "--model", "claude-of-tomorrow");
  expect(ended.code).toBe(0);
  expect(ended.out).toContain("It wouldn't send it: the case has no facts that a model could cite.");
  expect(ended.out).toContain("no price is known of this model");
});

test("a ticket of a subject that there's no room for is refused", async () => {
  const changed = { id: "nowhere.node_down.node-a.1", subject: "nowhere" };
  const { id } = await file({ invariant: "node_down", target: "node-a" }, changed);
  const ended = await run(id, "--dry-run");
  expect(ended.code).toBe(64);
  expect(ended.err).toContain('no subject "nowhere"');
});

test("evidence that isn't kept any more is an error that says so", async () => {
  const { id, violation } = await file({ invariant: "node_down", ...refusing("node-gone", "") });
  await (await loop.as("provision")).link.ask("$JS.API.STREAM.PURGE.EVIDENCE", "{}", { timeoutMs: 2_000 });
  const ended = await run(id, "--dry-run", "--json");
  expect(ended.code).toBe(66);
  expect(JSON.parse(ended.err)).toMatchObject({ error: { code: "EVIDENCE_MISSING" } });
  expect(ended.err).toContain(`${violation.firstBad?.address}: not in EVIDENCE`);
});

test("without --dry-run it says whose work it is, before it looks for a bus", async () => {
  using desk = new Desk();
  const ended = await desk.run(["diagnose", "node_down.node-a", "--json"]);
  expect(ended).toMatchObject({ code: 64, out: "" });
  expect(JSON.parse(ended.err)).toMatchObject({ error: { code: "USAGE" } });
  expect(ended.err).toContain("`operator tickets show node_down.node-a`");
});

test.each([
  { why: "a ticket that there isn't", argv: ["node_down.nobody"], code: 66, says: 'no ticket "node_down.nobody"' },
  { why: "a model of another house", argv: ["node-a", "--model", "gpt 1"], code: 64, says: "a model like claude-" },
  { why: "an effort that there isn't", argv: ["node-a", "--effort", "none"], code: 64, says: "low, medium, high" },
])("$why is refused", async ({ argv, code, says }) => {
  const ended = await run(...argv, "--dry-run");
  expect(ended.code).toBe(code);
  expect(ended.err).toContain(says);
});
