import * as fc from "fast-check";
import { expect, test } from "vitest";
import { readAnswer } from "./model-answer.ts";

const plain = {
  verdict: "unknown",
  headline: "It isn't known.",
  rootCauses: [],
  confidence: 0.2,
  timeline: [],
  evidence: [],
  alternatives: [],
  options: [],
  verify: [],
  missing: [],
};
const read = (changed: object) => readAnswer(JSON.stringify({ ...plain, ...changed }));
const codesOf = (outcome: ReturnType<typeof readAnswer>) =>
  "rejections" in outcome ? outcome.rejections.map(({ code, path }) => `${code} ${path}`) : [];

test("an answer without proposals has none, and an action without parameters is proposed without any", () => {
  expect(read({})).toEqual({ answer: { ...plain, proposals: [] } });
  const proposal = { action: "restart_node", target: "node-a", why: "" };
  expect(read({ proposals: [proposal] })).toMatchObject({ answer: { proposals: [{ ...proposal, parameters: {} }] } });
});

test("prose that is too long is cut, wherever it stands", () => {
  const long = "a long story ".repeat(500);
  const outcome = read({ headline: long, missing: [long], options: [{ title: long, steps: [long], risk: "low", riskWhy: long, recommended: true, why: long }] }); // prettier-ignore
  expect(outcome).toMatchObject({ answer: { headline: expect.stringMatching(/^a long .*…$/) as unknown } });
});

test("a quote or a target that is too long is none", () => {
  expect(codesOf(read({ evidence: [{ id: "E1", quote: "x".repeat(501), shows: "" }] }))).toEqual([
    "ANSWER_MALFORMED answer.evidence.0.quote",
  ]);
  const target = "x".repeat(129);
  expect(codesOf(read({ rootCauses: [{ category: "crashed", target, mechanism: "", evidence: [] }] }))).toEqual([
    "ANSWER_MALFORMED answer.rootCauses.0.target",
  ]);
});

test("too many of anything isn't cut: what to leave out is for the one who answers", () => {
  expect(codesOf(read({ verify: Array.from({ length: 21 }, () => "x") }))).toEqual(["ANSWER_MALFORMED answer.verify"]);
});

test.each([
  ["no JSON", "Sorry, I can't"],
  ["JSON that broke off", '{"verdict":"fau'],
  ["a list", "[]"],
  ["nothing", "null"],
  ["what is nested without end", `${"[".repeat(50_000)}${"]".repeat(50_000)}`],
])("%s is a rejection", (_, text) => {
  expect(codesOf(readAnswer(text))[0]).toMatch(/^ANSWER_MALFORMED answer/);
});

test("it throws on nothing, however odd", () => {
  const key = fc.constantFrom(...Object.keys(plain), "proposals", "__proto__");
  fc.assert(
    fc.property(key, fc.jsonValue(), fc.string(), (name, value, text) => {
      readAnswer(text);
      readAnswer(JSON.stringify({ ...plain, [name]: value }));
      readAnswer(`{"${name}": ${JSON.stringify(value)}}`);
    }),
  );
});
