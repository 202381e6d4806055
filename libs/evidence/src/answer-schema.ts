import { Answer } from "@operator/contracts/diagnosis";
import type { Action } from "@operator/subject/action";
import { strictSchema, type StrictObject, type StrictSchema } from "./strict-schema.ts";

const withoutProposals = Answer.omit({ proposals: true });

/**
 * The schema that a model answers in: the answer that a playbook gives too, and for proposals one branch for each action of
 * the catalogue, with that action's own parameters. The same for all cases of a release, so that the API compiles it once.
 */
export function answerSchema(actions: readonly Pick<Action<never>, "name" | "parameters">[]): StrictObject {
  const base = strictSchema(withoutProposals.toJSONSchema({ io: "input" }), "answer");
  if (!("properties" in base)) throw new Error("an answer is an object");
  if (actions.length === 0) return base;
  const branches = actions.map(branchOf);
  const [only] = branches;
  const items: StrictSchema = branches.length === 1 && only ? only : { anyOf: branches };
  const proposals: StrictSchema = { type: "array", items, description: "at most 5 items; empty when no action fits" };
  return { ...base, properties: { ...base.properties, proposals }, required: [...base.required, "proposals"] };
}

function branchOf({ name, parameters }: Pick<Action<never>, "name" | "parameters">): StrictObject {
  const schema = parameters.toJSONSchema({ io: "input" });
  // An action without parameters has none in the answer either: an empty object is what a model gives for anything.
  const { properties: named, additionalProperties: more } = schema;
  const isEmpty = named !== undefined && Object.keys(named).length === 0 && (more === undefined || more === false);
  const given: Record<string, StrictSchema> = isEmpty ? {} : { parameters: strictSchema(schema, `action ${name}`) };
  const properties: Record<string, StrictSchema> = {
    action: { const: name },
    target: { type: "string", description: "a target of the topology" },
    ...given,
    why: { type: "string", description: "at most 500 characters" },
  };
  return { type: "object", properties, required: Object.keys(properties), additionalProperties: false };
}
