import { flow } from "@operator/contracts/flow";
import { Logs } from "@operator/contracts/logs";
import { SubjectName } from "@operator/contracts/names";
import { TicketId } from "@operator/contracts/ticket-id";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Loop } from "../cli.fixture.ts";
import { brokenAtMs, evidenceAddress, snapshot } from "../samples.fixture.ts";

let loop: Loop;
beforeAll(async () => {
  loop = await Loop.start();
  const observer = await loop.as("observer");
  await observer.publish(flow.snapshot, snapshot({ n: 1, atMs: brokenAtMs - 1_000, cause: "rhythm" }));
  await observer.publish(flow.snapshot, snapshot({ subject: "another", n: 1 }));
  await observer.publish(flow.snapshot, snapshot({ n: 2 }));
  await (await loop.as("checker")).publish(flow.evidence, snapshot({ n: 2 }));
});
afterAll(async () => {
  await loop[Symbol.asyncDispose]();
});

const show = (...argv: string[]) => loop.run(["snapshots", "show", ...argv]);

test("the newest, as a page and whole", async () => {
  const page = await show();
  expect(page).toMatchObject({ code: 0, err: "" });
  expect(page.out).toContain("2 of the observer's epoch 3");
  expect(page.out).toContain("✖ ECONNREFUSED: connect ECONNREFUSED 127.0.0.1:8101");
  const json: unknown = JSON.parse((await show("--json")).out);
  expect(json).toEqual({ address: "operator.snapshot.ratelimiter.full", sequence: 3, snapshot: snapshot({ n: 2 }) });
});

test("one by its sequence, one that is evidence", async () => {
  expect((await show("--sequence", "1")).out).toContain("1 of the observer's epoch 3");
  expect((await show("--at", evidenceAddress)).out).toContain(`of ${evidenceAddress}`);
});

test("what a diagnoser was told is looked up like a snapshot, whole or a line of it", async () => {
  const ticket = TicketId.parse("ratelimiter.node_down.node-a.1");
  const logs = Logs.parse({ "node-a": { kind: "read", lines: [{ atMs: 5, text: "stopping" }] } });
  const told = { subject: SubjectName.parse("ratelimiter"), ticket, attempt: 1, tool: "logs" as const, atMs: 7, logs };
  await (await loop.as("diagnoser")).publish(flow.toolEvidence, told);
  const at = "operator.evidence.ratelimiter.tool.node_down.node-a.1.1.logs.7";
  expect((await show("--at", at)).out).toContain('"stopping"');
  expect((await show("--at", at, "--pointer", "/logs/node-a/lines/0/text")).out).toBe('"stopping"\n');
  expect((await show("--at", at.replace(/7$/, "8"))).err).toContain("no evidence is kept at");
});

test.each([
  { pointer: "/parts/probe/node-b/tookMs", value: "1.4\n" },
  { pointer: "/parts/metrics/node-b/a~1b~0c/1", value: "2\n" },
  { pointer: "/sources/metrics/targets", value: '{\n  "node-b": {\n    "readAtMs"' },
])("$pointer names a part", async ({ pointer, value }) => {
  const shown = await show("--pointer", pointer);
  expect(shown.code).toBe(0);
  expect(shown.out.startsWith(value)).toBe(true);
});

test.each([
  {
    why: "a sequence of another subject",
    argv: ["--sequence", "2"],
    code: 66,
    says: "2 is no snapshot of ratelimiter: the next one of it is 3",
  },
  {
    why: "a sequence to come",
    argv: ["--sequence", "99"],
    code: 66,
    says: "there is no snapshot 99: SNAPSHOTS holds 1 to 3",
  },
  { why: "a sequence that is no number", argv: ["--sequence", "-1"], code: 64, says: "'-1' is invalid" },
  {
    why: "evidence that isn't kept",
    argv: ["--at", "operator.evidence.ratelimiter.snapshot.1"],
    code: 66,
    says: 'at "operator.evidence.ratelimiter.snapshot.1"',
  },
  {
    why: "an address that is none of evidence",
    argv: ["--at", "operator.>"],
    code: 64,
    says: "'operator.>' is invalid",
  },
  {
    why: "evidence of another subject",
    argv: ["--at", evidenceAddress, "--subject", "another"],
    code: 64,
    says: 'no evidence of the subject "another"',
  },
  {
    why: "two places at once",
    argv: ["--at", evidenceAddress, "--sequence", "1"],
    code: 64,
    says: "cannot be used with",
  },
  {
    why: "a pointer to nothing",
    argv: ["--pointer", "/parts/probe/node-z"],
    code: 66,
    says: '"/parts/probe/node-z" names nothing',
  },
  { why: "no pointer at all", argv: ["--pointer", "parts"], code: 64, says: "'parts' is invalid" },
  { why: "a subject that nobody knows", argv: ["--subject", "nosuch"], code: 64, says: 'no subject "nosuch"' },
])("refused with what was wrong: $why", async ({ argv, code, says }) => {
  const ended = await show(...argv);
  expect(ended).toMatchObject({ code, out: "" });
  expect(ended.err.replaceAll(/\s+/g, " ")).toContain(says);
});

test("with several subjects watched and none named nothing is guessed", async () => {
  const { url, passwords } = loop.nats;
  const file = `${loop.desk.root}/several.json`;
  loop.desk.write(file, { url, passwords: { cli: passwords.cli }, subjects: ["ratelimiter", "another"] });
  const ended = await show("--context", file);
  expect(ended).toMatchObject({ code: 64, out: "" });
  expect(ended.err).toContain("which subject? Name one by --subject: ratelimiter, another [SUBJECT_NEEDED]");
  expect((await show("--context", file, "--subject", "another")).code).toBe(0);
});
