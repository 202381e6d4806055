import type { Json } from "@operator/contracts/json";
import type { Action } from "@operator/subject/action";
import { canonicalJson } from "./quote.ts";
import type { Ground } from "./validate.ts";

type Catalogue = readonly Pick<Action<never>, "name" | "parameters">[];

/** What the validator holds proposals against: the names of a room's actions, and the schema of each one's parameters. */
export function catalogueOf(actions: Catalogue): Required<Pick<Ground, "actions" | "checkParameters">> {
  const schemas = new Map(actions.map(({ name, parameters }) => [name, parameters]));
  return {
    actions: [...schemas.keys()],
    checkParameters: (action, parameters) => {
      const parsed = schemas.get(action)?.safeParse(parameters);
      if (!parsed) return "the action isn't in the catalogue";
      if (!parsed.success) {
        return parsed.error.issues
          .map(({ path, message }) => `${path.join(".") || "parameters"}: ${message}`)
          .join("; ");
      }
      // What a person approves has to be what is done: a schema that would drop or change something refuses it.
      return isSame(parsed.data, parameters) ? undefined : "has more than the schema knows, or in another form";
    },
  };
}

function isSame(parsed: unknown, given: Record<string, Json>): boolean {
  // A schema of an action's parameters makes JSON of JSON.
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion
  return canonicalJson(parsed as Json) === canonicalJson(given);
}
