import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { SubjectName } from "@operator/contracts/names";
import { afterAll, expect, test } from "vitest";
import { decisionOf, readPolicy } from "./policy.ts";

const folder = mkdtempSync(join(tmpdir(), "operator-policy-"));
afterAll(() => rmSync(folder, { recursive: true }));

function read(yaml: string) {
  const file = join(folder, "policy.yaml");
  writeFileSync(file, yaml);
  return readPolicy(file);
}
const restart = { subject: SubjectName.parse("ratelimiter"), action: "restart_node", risk: "low" as const };

const subject = (lines: string) => `subjects:\n  ratelimiter:\n${lines}`;
test.for<[string, string, string, string]>([
  ["nothing is written", "", "propose", "default"],
  ["there is a default", "default: deny", "deny", "default"],
  ["the subject has one", `default: deny\n${subject("    default: auto")}`, "auto", "subjects.ratelimiter.default"],
  ["the risk has a line", `risks: { low: deny }\n${subject("    default: auto")}`, "deny", "risks.low"],
  [
    "the action has a line",
    `risks: { low: deny }\n${subject("    actions: { restart_node: auto }")}`,
    "auto",
    "subjects.ratelimiter.actions.restart_node",
  ],
  ["only others have lines", "risks: { high: auto }\nsubjects: { tikv: { default: auto } }\n", "propose", "default"],
])("the nearest word counts: %s", ([, yaml, decision, rule]) => {
  expect(decisionOf(read(yaml), restart)).toEqual({ decision, rule });
});

test("a name that every object has is no line of the policy", () => {
  const policy = read(subject("    actions: { restart_node: auto }"));
  expect(decisionOf(policy, { ...restart, action: "constructor" })).toEqual({ decision: "propose", rule: "default" });
  const other = SubjectName.parse("constructor");
  expect(decisionOf(policy, { ...restart, subject: other })).toEqual({ decision: "propose", rule: "default" });
});

test("without a file a person decides, twelve times an hour", () => {
  expect(readPolicy(undefined)).toMatchObject({ default: "propose", risks: {}, subjects: {}, perHourMax: 12 });
});

test.for<[string, string, RegExp]>([
  ["a decision that there isn't", "risks: { low: allow }", /risks\.low: .*"auto".*, not "allow"/],
  ["a line that there isn't", "defaults: auto", /Unrecognized key: "defaults"/],
  ["a budget of nothing", "perHourMax: 0", /perHourMax: .*, not 0/],
  ["a list", "- auto", /the document: .*, not \["auto"\]/],
  ["no YAML", "default: [auto", /isn't YAML: .*line 1/],
])("%s is refused, quoted, and said what to do with", ([, yaml, message]) => {
  expect(() => read(yaml)).toThrow(message);
  expect(() => read(yaml)).toThrow(expect.objectContaining({ code: "POLICY_UNREADABLE" }));
  expect(() => read(yaml)).toThrow(/policy\.yaml.*mend it/s);
});

test("every mistake is said at once", () => {
  expect(() => read("default: yes\nperHourMax: many")).toThrow(/default: .*; perHourMax: /);
});

test("a file that isn't there is no policy", () => {
  expect(() => readPolicy(join(folder, "none.yaml"))).toThrow(expect.objectContaining({ code: "POLICY_MISSING" }));
});
