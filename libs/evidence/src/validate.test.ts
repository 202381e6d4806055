import { type Diagnosis, Diagnosis as DiagnosisSchema } from "@operator/contracts/diagnosis";
import { EvidenceId } from "@operator/contracts/evidence";
import type { Json } from "@operator/contracts/json";
import { SubjectName, TargetName } from "@operator/contracts/names";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { answerOf } from "./answer.ts";
import { type Breach, breachMs, caseOf, kept, snapshotAt, violationOf } from "./case.fixture.ts";
import { Citations } from "./citations.ts";
import { quoteOf } from "./quote.ts";
import { type Ground, validate } from "./validate.ts";

const good = snapshotAt(breachMs - 1_000, {
  probe: { "node-a": { state: "up", sinceMs: 5 }, "node-b": { state: "up", sinceMs: 5 } },
});
const bad = snapshotAt(breachMs, {
  probe: {
    "node-a": { state: "refused", sinceMs: breachMs - 5, lastAnswerAtMs: breachMs - 999_000, tags: ["x", { y: null }] },
    "node-b": { state: "up", sinceMs: 5 },
  },
});
const breach: Breach = {
  invariant: "node_down",
  target: "node-a",
  pointers: ["/parts/probe/node-a/state"],
  bad,
  good,
  topology: [
    { name: "node-a", kind: "node", dependsOn: [] },
    { name: "node-b", kind: "node", dependsOn: [] },
  ],
};

/** A diagnosis that cites in every place, and what it is held against. */
function sound(): { diagnosis: Diagnosis; ground: Ground } {
  const { file, ground } = caseOf(breach);
  const citations = new Citations(file);
  const state = citations.cite("it refuses", "first_bad", "parts", "probe", "node-a", "state");
  const before = citations.cite("it answered", "last_good", "parts", "probe", "node-a", "state");
  const last = citations.cite("its last answer", "first_bad", "parts", "probe", "node-a", "lastAnswerAtMs");
  const other = citations.cite("the other answers", "first_bad", "parts", "probe", "node-b", "state");
  const node = TargetName.parse("node-a");
  const answer = answerOf(file, citations, {
    verdict: "fault",
    headline: "node-a crashed",
    rootCauses: [{ category: "crashed", target: node, mechanism: "It ended.", evidence: [...state, ...before] }],
    confidence: 0.9,
    timeline: [
      { atMs: breachMs - 999_000, what: "its last answer", evidence: last },
      { atMs: breachMs, what: "seen", evidence: state },
    ],
    alternatives: [
      {
        cause: { category: "hung", target: TargetName.parse("node-b") },
        whyRejected: "no",
        for: before,
        against: other,
      },
    ],
    options: [],
    verify: [],
    missing: [],
  });
  const cited = new Set<string>(answer.evidence.map(({ id }) => id));
  const facts = file.facts.filter(({ id }) => cited.has(id));
  return { diagnosis: DiagnosisSchema.parse({ engine: { kind: "playbook", name: "p" }, answer, facts }), ground };
}

const E999 = EvidenceId.parse("E999");
const elsewhere = TargetName.parse("node-z");
const codesOf = (diagnosis: unknown, ground: Ground) => validate(diagnosis, ground).map(({ code }) => code);

test("a sound diagnosis has no rejections", () => {
  const { diagnosis, ground } = sound();
  expect(validate(diagnosis, ground)).toEqual([]);
  expect(diagnosis.facts.length).toBe(4);
});

describe("what is refused, and by which code", () => {
  type Change = (diagnosis: Diagnosis, ground: Ground) => void;
  const rows: [sentence: string, code: string, Change][] = [
    ["a value that differs from the evidence", "FACT_DIFFERS", ({ facts }) => set(facts[0], "value", "up")],
    ["a number told as a text", "FACT_DIFFERS", ({ facts }) => facts.forEach((fact) => typeof fact.value === "number" && set(fact, "value", `${fact.value}`))],
    ["a pointer that names nothing", "FACT_POINTER", ({ facts }) => set(facts[0], "pointer", "/parts/probe/node-a/mood")],
    ["a pointer that isn't written as one", "FACT_POINTER", ({ facts }) => set(facts[0], "pointer", "xparts/probe/node-a/state")],
    ["a pointer into the prototype", "FACT_POINTER", ({ facts }) => set(facts[0], "pointer", "/__proto__")],
    ["a time that isn't the document's", "FACT_TIME", ({ facts }) => set(facts[0], "atMs", breachMs - 1)],
    ["a document that isn't stored", "FACT_NOT_STORED", ({ facts }) => set(facts[0], "address", `operator.evidence.ratelimiter.snapshot.${breachMs + 1}`)],
    ["a document of another subject", "FACT_NOT_STORED", (_, ground) => (ground.lookup = (address) => ({ ...(address.includes(`${breachMs}`) ? bad : good), subject: SubjectName.parse("tikv") }))],
    ["a document of another time than its address says", "FACT_NOT_STORED", (_, ground) => (ground.lookup = () => ({ ...bad, atMs: 1 }))],
    ["an address of another channel", "FACT_ADDRESS", ({ facts }) => set(facts[0], "address", "operator.snapshot.ratelimiter.full")],
    ["an address of another subject's evidence", "FACT_ADDRESS", ({ facts }) => set(facts[0], "address", `operator.evidence.tikv.snapshot.${breachMs}`)],
    ["an address with a wildcard", "FACT_ADDRESS", ({ facts }) => set(facts[0], "address", "operator.evidence.ratelimiter.snapshot.*")],
    ["two facts of one id", "FACT_DUPLICATE", ({ facts }) => void facts.push(...facts.slice(0, 1))],
    ["evidence without its fact", "FACT_MISSING", ({ facts }) => void facts.pop()],
    ["evidence listed twice", "EVIDENCE_DUPLICATE", ({ answer }) => void answer.evidence.push(...answer.evidence.slice(0, 1))],
    ["a quote that isn't the value", "QUOTE_DIFFERS", ({ answer }) => set(answer.evidence[0], "quote", "refused to answer")],
    ["a root cause that cites an unknown id", "CITATION_UNKNOWN", ({ answer }) => void answer.rootCauses[0]?.evidence.push(E999)],
    ["a timeline that cites an unknown id", "CITATION_UNKNOWN", ({ answer }) => void answer.timeline[1]?.evidence.push(E999)],
    ["an alternative supported by an unknown id", "CITATION_UNKNOWN", ({ answer }) => void answer.alternatives[0]?.for.push(E999)],
    ["an alternative refuted by an unknown id", "CITATION_UNKNOWN", ({ answer }) => void answer.alternatives[0]?.against.push(E999)],
    ["a cause at a target that isn't in the topology", "TARGET_UNKNOWN", ({ answer }) => set(answer.rootCauses[0], "target", elsewhere)],
    ["an alternative at a target that isn't in the topology", "TARGET_UNKNOWN", ({ answer }) => set(answer.alternatives[0]?.cause, "target", elsewhere)],
    ["a proposal at a target that isn't in the topology", "TARGET_UNKNOWN", ({ answer }) => void answer.proposals.push({ action: "a", target: elsewhere, parameters: {}, why: "" })],
    ["any action while the catalogue is empty", "ACTION_UNKNOWN", ({ answer }) => void answer.proposals.push({ action: "restart_node", target: TargetName.parse("node-a"), parameters: {}, why: "" })],
    ["a fault without a cause", "CAUSE_MISSING", ({ answer }) => void answer.rootCauses.pop()],
    ["a cause that cites nothing", "CAUSE_UNGROUNDED", ({ answer }) => set(answer.rootCauses[0], "evidence", [])],
    ["a cause that cites facts about others only", "CAUSE_OFF_TARGET", ({ answer }) => set(answer.rootCauses[0], "target", TargetName.parse("node-b"))],
    ["a fault whose cause doesn't cite the ticket's own evidence", "OWN_EVIDENCE_MISSING", ({ answer }) => void answer.rootCauses[0]?.evidence.shift()],
    ["no fault without a look at the ticket's own evidence", "OWN_EVIDENCE_MISSING", ({ answer, facts }) => { Object.assign(answer, { verdict: "no_fault", rootCauses: [], timeline: [], alternatives: [], evidence: [] }); facts.splice(0); }],
    ["a fault while the ticket has no evidence at all", "OWN_EVIDENCE_MISSING", (_, ground) => (ground.violation = violationOf({ invariant: "node_down", target: "node-a" }))],
    ["no fault that has a cause", "VERDICT_CONTRADICTED", ({ answer }) => set(answer, "verdict", "no_fault")],
    ["a fault that is caused by nothing", "VERDICT_CONTRADICTED", ({ answer }) => set(answer.rootCauses[0], "category", "none")],
    ["a fault whose cause is unknown", "VERDICT_CONTRADICTED", ({ answer }) => set(answer.rootCauses[0], "category", "unknown")],
    ["not knowing, with a cause", "VERDICT_CONTRADICTED", ({ answer }) => Object.assign(answer, { verdict: "unknown", confidence: 0.1 })],
    ["not knowing, with confidence", "CONFIDENCE_CONTRADICTED", ({ answer }) => Object.assign(answer, { verdict: "unknown", rootCauses: [] })],
    ["a time long before the evidence", "TIME_OUT_OF_RANGE", ({ answer }) => set(answer.timeline[1], "atMs", breachMs - 3_600_000)],
    ["a time that only an uncited fact gives", "TIME_OUT_OF_RANGE", ({ answer }) => set(answer.timeline[0], "evidence", [])],
    ["a time in the future", "TIME_OUT_OF_RANGE", ({ answer }, ground) => set(answer.timeline[1], "atMs", ground.nowMs + 60_001)],
    ["a ticket about another target", "TICKET_MISMATCH", (_, ground) => (ground.violation = violationOf({ ...breach, target: "node-b" }))],
    ["a ticket of another subject", "TICKET_MISMATCH", (_, ground) => (ground.subject = "tikv")],
    ["a confidence above 1", "DIAGNOSIS_MALFORMED", ({ answer }) => set(answer, "confidence", 1.2)],
    ["a confidence that is no number", "DIAGNOSIS_MALFORMED", ({ answer }) => set(answer, "confidence", Number.NaN)],
    ["a category that isn't in the list", "DIAGNOSIS_MALFORMED", ({ answer }) => Object.assign(answer.rootCauses[0] ?? {}, { category: "gremlins" })],
  ]; // prettier-ignore
  test.each(rows)("%s: %s", (_, code, change) => {
    const { diagnosis, ground } = sound();
    change(diagnosis, ground);
    expect(codesOf(diagnosis, ground)).toContain(code);
  });
});

describe("what is allowed", () => {
  test("an action of the catalogue", () => {
    const { diagnosis, ground } = sound();
    diagnosis.answer.proposals.push({ action: "wait", target: TargetName.parse("node-a"), parameters: {}, why: "" });
    expect(validate(diagnosis, { ...ground, actions: ["wait"] })).toEqual([]);
  });

  test("not to know, without any evidence", () => {
    const { diagnosis, ground } = sound();
    const answer = {
      ...diagnosis.answer,
      verdict: "unknown",
      rootCauses: [],
      timeline: [],
      alternatives: [],
      evidence: [],
    };
    const violation = violationOf({ invariant: "node_down", target: "node-a" });
    expect(
      codesOf({ ...diagnosis, answer: { ...answer, confidence: 0.2 }, facts: [] }, { ...ground, violation }),
    ).toEqual([]);
  });

  test("a fault of a ticket that has only a last good snapshot, when that is cited", () => {
    const { diagnosis, ground } = sound();
    const withoutBad = violationOf({ invariant: "node_down", target: "node-a", good });
    expect(
      validate(diagnosis, {
        ...ground,
        violation: withoutBad,
      }),
    ).toEqual([]);
  });

  test("the ticket's own target, though no topology names it", () => {
    const { diagnosis, ground } = sound();
    expect(codesOf(diagnosis, { ...ground, targets: ["node-b"] })).toEqual([]);
  });

  test("the same value with its keys in another order", () => {
    const { diagnosis, ground } = sound();
    const value = {
      lastAnswerAtMs: breachMs - 999_000,
      tags: ["x", { y: null }],
      sinceMs: breachMs - 5,
      state: "refused",
    };
    const fact = {
      id: EvidenceId.parse("E900"),
      address: kept(bad).address,
      pointer: "/parts/probe/node-a",
      value,
      atMs: breachMs,
    };
    diagnosis.facts.push(fact);
    diagnosis.answer.evidence.push({ id: fact.id, quote: quoteOf(value), shows: "" });
    expect(validate(diagnosis, ground)).toEqual([]);
  });

  test("clocks of two hosts that differ by less than a minute", () => {
    const { diagnosis, ground } = sound();
    expect(validate(diagnosis, { ...ground, nowMs: breachMs - 59_000 })).toEqual([]);
  });
});

test("any change of a value, id, quote, target, address, pointer or time of a sound diagnosis is rejected", () => {
  const other = fc.oneof(fc.string(), fc.double(), fc.boolean(), fc.constant(null), fc.jsonValue({ maxDepth: 2 }));
  const places = [
    "facts.value",
    "facts.id",
    "facts.address",
    "facts.pointer",
    "facts.atMs",
    "quote",
    "evidence.id",
    "target",
  ];
  fc.assert(
    fc.property(
      fc.constantFrom(...places),
      fc.nat(),
      other,
      fc.integer(),
      fc.string(),
      (place, at, value, number, text) => {
        const { diagnosis, ground } = sound();
        const { facts, answer } = diagnosis;
        const fact = facts[at % facts.length];
        const evidence = answer.evidence[at % answer.evidence.length];
        if (!fact || !evidence) throw new Error("a sound diagnosis has facts and evidence");
        const before = JSON.stringify(diagnosis);
        const wild: unknown = value;
        if (place === "facts.value") Object.assign(fact, { value: wild });
        if (place === "facts.id") Object.assign(fact, { id: `E${Math.abs(number % 9_999) + 1}` });
        if (place === "facts.address") Object.assign(fact, { address: fact.address.slice(0, at % 60) + text });
        if (place === "facts.pointer") Object.assign(fact, { pointer: fact.pointer.slice(0, at % 30) + text });
        if (place === "facts.atMs") Object.assign(fact, { atMs: number });
        if (place === "quote") Object.assign(evidence, { quote: text });
        if (place === "evidence.id") Object.assign(evidence, { id: `E${Math.abs(number % 9_999) + 1}` });
        if (place === "target") Object.assign(answer.rootCauses[0] ?? {}, { target: text });
        fc.pre(JSON.stringify(diagnosis) !== before);
        expect(validate(diagnosis, ground)).not.toEqual([]);
      },
    ),
    { numRuns: 2_000 },
  );
});

test("nothing that is thrown at it makes it throw", () => {
  const { diagnosis, ground } = sound();
  fc.assert(
    fc.property(fc.anything({ maxDepth: 4 }), fc.jsonValue(), (anything, json) => {
      expect(validate(anything, ground)).not.toEqual([]);
      expect(validate({ ...diagnosis, answer: json }, ground)).not.toEqual([]);
      expect(validate({ ...diagnosis, facts: [json] }, ground)).not.toEqual([]);
    }),
  );
  let deep: Json = "bottom";
  for (let level = 0; level < 200_000; level += 1) deep = [deep];
  const [fact] = diagnosis.facts;
  const facts = [{ ...fact, value: deep }];
  expect(codesOf({ ...diagnosis, facts }, ground)).toEqual(["DIAGNOSIS_TOO_DEEP"]);
});

test("however much is wrong, the rejections are few and short", () => {
  const { diagnosis, ground } = sound();
  const facts = Array.from({ length: 200 }, (_, at) => ({
    id: `E${at + 1}`,
    address: "x".repeat(10_000),
    pointer: "/",
    value: 1,
    atMs: 1,
  }));
  const rejections = validate({ ...diagnosis, facts }, ground);
  expect(rejections).toHaveLength(50);
  for (const { message } of rejections) expect(message.length).toBeLessThanOrEqual(500);
});

function set<Of extends object, Key extends keyof Of>(of: Of | undefined, key: Key, value: Of[Key]): void {
  if (!of) throw new Error(`there is nothing whose ${String(key)} could be set`);
  of[key] = value;
}
