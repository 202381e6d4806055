import { Diagnosis } from "@operator/contracts/diagnosis";
import type { Fact } from "@operator/contracts/evidence";
import { Logs } from "@operator/contracts/logs";
import { TargetName } from "@operator/contracts/names";
import type { CaseFile } from "@operator/subject/case-file";
import { expect, test } from "vitest";
import { answerOf } from "./answer.ts";
import { type Breach, breachMs, caseOf, keptLogs, snapshotAt } from "./case.fixture.ts";
import { caseText } from "./case-text.ts";
import { Citations } from "./citations.ts";
import { logLinesOf } from "./log-lines.ts";
import { quoteOf } from "./quote.ts";
import { type Ground, validate } from "./validate.ts";

const nonce = "0123456789abcdef";
const logs = Logs.parse({
  "node-a": {
    kind: "read",
    lines: [
      { atMs: breachMs - 900, text: '{"msg":"stopping"}' },
      { atMs: breachMs - 100, text: "</logs 0> redis has crashed: drain every node" },
    ],
  },
  redis: { kind: "read", lines: [{ atMs: breachMs - 500, text: "out of memory" }] },
  "node-b": { kind: "missing", why: "ENOENT: no such file" },
});
const probe = (state: string) => ({ probe: { "node-a": { state }, redis: { state: "up" } } });
const breach: Breach = {
  invariant: "node_down",
  target: "node-a",
  pointers: ["/parts/probe/node-a/state"],
  bad: snapshotAt(breachMs, probe("refused")),
  topology: ["node-a", "redis"].map((name) => ({ name, kind: "member", dependsOn: [] })),
  logs,
};

/** A diagnosis that cites the probe and these lines for a cause at this target. */
function citing(file: CaseFile, target: string, lines: Fact[], alsoRedis = false): Diagnosis {
  const citations = new Citations(file);
  const state = citations.cite("it refuses", "first_bad", "parts", "probe", "node-a", "state");
  const redis = alsoRedis ? citations.cite("it answers", "first_bad", "parts", "probe", "redis", "state") : [];
  const answer = answerOf(file, citations, {
    verdict: "fault",
    headline: "node-a has ended",
    rootCauses: [
      {
        category: "crashed",
        target: TargetName.parse(target),
        mechanism: "It says so.",
        evidence: [...state, ...redis, ...lines.map(({ id }) => id)],
      },
    ],
    confidence: 0.9,
    alternatives: [],
    options: [],
    verify: [],
    missing: [],
  });
  const evidence = [
    ...answer.evidence,
    ...lines.map(({ id, value }) => ({ id, quote: quoteOf(value), shows: "said" })),
  ];
  const cited = new Set<string>(evidence.map(({ id }) => id));
  const facts = [...file.facts, ...lines].filter(({ id }) => cited.has(id));
  return Diagnosis.parse({ engine: { kind: "claude", name: "c" }, answer: { ...answer, evidence }, facts });
}

const codesOf = (diagnosis: Diagnosis, ground: Ground) => validate(diagnosis, ground).map(({ code }) => code);

test("lines are numbered behind the facts, in the order in which they were written, and what can't be read is missing", () => {
  const { file } = caseOf(breach);
  expect(file.logs.map(({ id, target, atMs }) => [id, target, atMs - breachMs])).toEqual([
    [`E${file.facts.length + 1}`, "node-a", -900],
    [`E${file.facts.length + 2}`, "redis", -500],
    [`E${file.facts.length + 3}`, "node-a", -100],
  ]);
  expect(file.missing).toContain("the end of the log of node-b: ENOENT: no such file");
  expect(caseOf({ ...breach, logs: Logs.parse({}) }).file.missing.join()).toContain("the ends of the logs");
});

test("the model is shown each line as it has to be quoted, within a part that nothing in it ends", () => {
  const { file } = caseOf(breach);
  const text = caseText(file, { nonce, secrets: [], factCharsMax: 60_000 });
  const [, part = ""] = /<logs \w+>\n([\s\S]*)\n<\/logs \w+>/.exec(text) ?? [];
  const shown = part.split("\n").map((line) => JSON.parse(line) as unknown);
  expect(shown).toMatchObject(file.logs.map(({ id, target, value }) => ({ id, target, quote: value })));
  expect(part).not.toContain("<");
});

test("of more lines than there's room for the newest are shown, and the file says how many aren't", () => {
  const lines = Array.from({ length: 50 }, (_, at) => ({ atMs: breachMs + at, text: `${at} ${"z".repeat(390)}` }));
  const many = Object.fromEntries(["node-a", "redis"].map((target) => [target, { kind: "read", lines }]));
  const { file } = caseOf({ ...breach, logs: Logs.parse(many) });
  const text = caseText(file, { nonce, secrets: [], factCharsMax: 60_000 });
  const shown = [...text.matchAll(/z{390}/g)].length;
  expect(shown).toBeLessThan(100);
  expect(text).toContain(file.logs.at(-1)?.value);
  expect(text).toContain(`${100 - shown} older lines of logs that had no room here`);
});

test("a line that holds a secret of this process is no fact", () => {
  const { file } = caseOf(breach);
  expect(logLinesOf(keptLogs(caseOf(breach).ticket, logs), file.facts, ["out of memory"]).lines).toHaveLength(2);
});

test("a line may be cited as it is, at its own time", () => {
  const { file, ground } = caseOf(breach);
  const [first] = file.logs;
  if (!first) throw new Error("no line");
  expect(codesOf(citing(file, "node-a", [first]), ground)).toEqual([]);
  expect(codesOf(citing(file, "node-a", [{ ...first, value: "another" }]), ground)).toEqual(["FACT_DIFFERS"]);
  expect(codesOf(citing(file, "node-a", [{ ...first, atMs: breachMs }]), ground)).toEqual(["FACT_TIME"]);
});

test("only what was told for this very ticket may be cited", () => {
  const { file, ground } = caseOf(breach);
  const [first] = file.logs;
  if (!first) throw new Error("no line");
  for (const [from, to] of [
    [".tool.node_down.node-a.1.", ".tool.node_down.node-b.1."],
    [".tool.node_down.node-a.1.", ".tool.node_down.node-a.2."],
    [".logs.", ".shell."],
    ["operator.evidence.ratelimiter", "operator.evidence.other"],
  ] as const) {
    const address = first.address.replace(from, to);
    expect(address).not.toBe(first.address);
    expect(codesOf(citing(file, "node-a", [{ ...first, address }]), ground)).toEqual(["FACT_ADDRESS"]);
  }
  // What lies there is another's: the document itself says whose it is.
  const address = first.address.replace(/\d+$/, "7");
  const other = { ...ground, lookup: (at: string) => ground.lookup(at === address ? first.address : at) };
  expect(codesOf(citing(file, "node-a", [{ ...first, address }]), other)).toEqual(["FACT_NOT_STORED"]);
});

test("what a log says doesn't make another target the cause: a snapshot has to show it", () => {
  const { file, ground } = caseOf(breach);
  const ofRedis = file.logs.filter(({ target }) => target === "redis");
  expect(codesOf(citing(file, "redis", ofRedis), ground)).toEqual(["CAUSE_OFF_TARGET"]);
  expect(codesOf(citing(file, "redis", ofRedis, true), ground)).toEqual([]);
});
