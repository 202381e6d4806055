import { Diagnosis } from "@operator/contracts/diagnosis";
import type { Json } from "@operator/contracts/json";
import { expect, test } from "vitest";
import { z } from "zod";
import { breachMs, caseOf, snapshotAt } from "./case.fixture.ts";
import { catalogueOf } from "./catalogue.ts";
import { validate } from "./validate.ts";

const good = snapshotAt(breachMs - 1_000, { probe: { "node-a": { state: "up" } } });
const { ground } = caseOf({ invariant: "node_down", target: "node-a", good });

const catalogue = catalogueOf([
  { name: "restart_node", parameters: z.object({}) },
  { name: "update_limit", parameters: z.object({ key: z.string().max(20), limit: z.int().min(1).max(1_000) }) },
  { name: "odd", parameters: z.object({ key: z.string().refine(() => { throw new Error("boom"); }) }) }, // prettier-ignore
]);

function codesOf(action: string, parameters: Record<string, Json>): string[] {
  const proposals = [{ action, target: "node-a", parameters, why: "" }];
  const answer = { verdict: "unknown", headline: "?", rootCauses: [], confidence: 0.1, timeline: [], evidence: [] };
  const rest = { alternatives: [], options: [], verify: [], missing: [], proposals };
  const diagnosis = Diagnosis.parse({
    engine: { kind: "claude", name: "m" },
    answer: { ...answer, ...rest },
    facts: [],
  });
  return validate(diagnosis, { ...ground, ...catalogue }).map(({ code, path }) => `${code} ${path}`);
}

const refused = ["PARAMETERS_INVALID answer.proposals.0.parameters"];
const rows: [sentence: string, action: string, parameters: Record<string, Json>, codes: string[]][] = [
  ["an action without parameters", "restart_node", {}, []],
  ["parameters within their bounds", "update_limit", { key: "a", limit: 100 }, []],
  ["the same in another order", "update_limit", { limit: 100, key: "a" }, []],
  ["a number out of its bounds", "update_limit", { key: "a", limit: 1_000_000 }, refused],
  ["a number told as a text", "update_limit", { key: "a", limit: "100" }, refused],
  ["a parameter that is missing", "update_limit", { key: "a" }, refused],
  ["a parameter that the schema doesn't know", "restart_node", { force: true }, refused],
  ["a schema that throws", "odd", { key: "a" }, refused],
  ["an action that isn't in the catalogue", "drop_everything", {}, ["ACTION_UNKNOWN answer.proposals.0.action"]],
  ["a name of every object", "constructor", {}, ["ACTION_UNKNOWN answer.proposals.0.action"]],
];
test.each(rows)("%s", (_, action, parameters, codes) => {
  expect(codesOf(action, parameters)).toEqual(codes);
});
