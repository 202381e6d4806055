import { expect, test } from "vitest";
import { z } from "zod";
import { answerSchema } from "./answer-schema.ts";
import { strictSchema } from "./strict-schema.ts";

const restart = { name: "restart_node", parameters: z.strictObject({}) };
const limit = {
  name: "update_limit",
  parameters: z.strictObject({ key: z.string().max(9).describe("the caller"), limit: z.int().min(1).max(100) }),
};

/** Every object in a schema, with its place. */
function objectsIn(value: unknown, path = ""): [path: string, object: Record<string, unknown>][] {
  if (value === null || typeof value !== "object") return [];
  const own: [string, Record<string, unknown>][] =
    "type" in value && value.type === "object" ? [[path, { ...value }]] : [];
  return [...own, ...Object.entries(value).flatMap(([key, each]) => objectsIn(each, `${path}/${key}`))];
}

test.each([[[]], [[restart]], [[limit]], [[restart, limit]]])(
  "no object in it is free-form, empty or half optional, and no keyword is one that the API refuses",
  (actions) => {
    const schema = answerSchema(actions);
    const objects = objectsIn(schema);
    expect(objects.length).toBeGreaterThan(5);
    for (const [path, { properties, required, additionalProperties }] of objects) {
      expect(Object.keys(z.record(z.string(), z.unknown()).parse(properties)), path).not.toEqual([]);
      expect(required, path).toEqual(Object.keys(z.record(z.string(), z.unknown()).parse(properties)));
      expect(additionalProperties, path).toBe(false);
    }
    expect(JSON.stringify(schema)).not.toMatch(
      /"(?:pattern|minLength|maxLength|minimum|maximum|minItems|maxItems|\$schema)":/,
    );
  },
);

test("without actions there is nothing to propose", () => {
  expect(answerSchema([]).required).not.toContain("proposals");
});

test("a proposal is one branch for each action, with that action's own parameters, and none where it has none", () => {
  const { proposals } = answerSchema([restart, limit]).properties;
  const why = { type: "string", description: "at most 500 characters" };
  const target = { type: "string", description: "a target of the topology" };
  const parameters = {
    type: "object",
    properties: {
      key: { type: "string", description: "the caller; at most 9 characters" },
      limit: { type: "integer", description: "at least 1; at most 100" },
    },
    required: ["key", "limit"],
    additionalProperties: false,
  };
  expect(proposals).toMatchObject({
    items: {
      anyOf: [
        { properties: { action: { const: "restart_node" }, target, why }, required: ["action", "target", "why"] },
        { properties: { action: { const: "update_limit" }, target, parameters, why } },
      ],
    },
  });
});

test("it's the same each time, so that the API compiles it once", () => {
  expect(answerSchema([restart, limit])).toEqual(answerSchema([restart, limit]));
});

const refused: [sentence: string, schema: z.ZodType, why: RegExp][] = [
  ["a free-form record", z.object({ a: z.record(z.string(), z.string()) }), /schema\.a: a free-form or empty object/],
  ["an object of anything", z.looseObject({ a: z.string() }), /free-form or empty/],
  ["an empty object", z.object({ a: z.array(z.object({})) }), /schema\.a\.items: a free-form or empty/],
  ["anything at all", z.object({ a: z.unknown() }), /schema\.a: type undefined/],
  ["an optional property", z.object({ a: z.string().optional() }), /a is optional/],
  ["a property with a default", z.object({ a: z.string().default("x") }), /isn't known|is optional/],
  ["a tuple", z.object({ a: z.tuple([z.string()]) }), /isn't known/],
  ["a choice of numbers", z.object({ a: z.literal([1, 2]) }), /only texts/],
  ["a form that only a pattern tells", z.object({ a: z.iso.datetime() }), /"format" isn't known/],
];
test.each(refused)("%s can't be told to a model", (_, schema, why) => {
  expect(() => strictSchema(schema.toJSONSchema({ io: "input" }))).toThrow(why);
});
