/** A JSON schema as far as a model's structured output knows it: no limits, no patterns, nothing optional, nothing free-form. */
export type StrictSchema =
  | { anyOf: StrictSchema[]; description?: string }
  | { const: string | number | boolean; description?: string }
  | { enum: string[]; description?: string }
  | { type: "string" | "integer" | "number" | "boolean"; description?: string }
  | { type: "array"; items: StrictSchema; description?: string }
  | StrictObject;

export interface StrictObject {
  type: "object";
  properties: Record<string, StrictSchema>;
  required: string[];
  additionalProperties: false;
  description?: string;
}

/** What a limit is called when it's told: the API enforces none of them, so the model reads them and our own parse decides. */
const limits: Record<string, (limit: number) => string> = {
  minLength: (limit) => `at least ${limit} characters`,
  maxLength: (limit) => `at most ${limit} characters`,
  minimum: (limit) => `at least ${limit}`,
  maximum: (limit) => `at most ${limit}`,
  minItems: (limit) => `at least ${limit} items`,
  maxItems: (limit) => `at most ${limit} items`,
};

/** Known and of no use to a model: the dialect, and patterns that are told in words where they matter. */
const passedOver = new Set(["$schema", "description", "pattern"]);
/** What the walk itself reads. */
const read = new Set([
  "type",
  "properties",
  "required",
  "additionalProperties",
  "items",
  "enum",
  "const",
  "anyOf",
  "oneOf",
  "propertyNames",
]);

/**
 * A JSON schema, as Zod gives it, in the form that structured outputs take. Throws on what a model could only answer with an
 * empty object (no properties, or free-form ones), on optional properties, and on any keyword that isn't known here: a
 * schema that means less than it says would be found out only by the answers.
 */
export function strictSchema(schema: unknown, path = "schema"): StrictSchema {
  if (!isRecord(schema)) throw new Error(`${path}: ${JSON.stringify(schema)} is no JSON schema`);
  const told = descriptionOf(schema, path);
  const description = told === "" ? {} : { description: told };
  const branches = schema["anyOf"] ?? schema["oneOf"];
  if (Array.isArray(branches)) {
    return { anyOf: branches.map((each, at) => strictSchema(each, `${path}.anyOf.${at}`)), ...description };
  }
  const only = schema["const"];
  if (typeof only === "string" || typeof only === "number" || typeof only === "boolean") {
    return { const: only, ...description };
  }
  const choice: unknown = schema["enum"];
  if (Array.isArray(choice)) {
    if (!choice.every((each) => typeof each === "string")) throw new Error(`${path}: only texts can be chosen from`);
    return { enum: choice, ...description };
  }
  const type = schema["type"];
  switch (type) {
    case "string":
    case "integer":
    case "number":
    case "boolean":
      return { type, ...description };
    case "array":
      return { type, items: strictSchema(schema["items"], `${path}.items`), ...description };
    case "object":
      return { ...strictObject(schema, path), ...description };
    default:
      throw new Error(`${path}: type ${JSON.stringify(type)} can't be told to a model`);
  }
}

function strictObject(schema: Record<string, unknown>, path: string): StrictObject {
  const properties = isRecord(schema["properties"]) ? Object.entries(schema["properties"]) : [];
  const more = schema["additionalProperties"];
  if (properties.length === 0 || (more !== undefined && more !== false)) {
    throw new Error(
      `${path}: a free-form or empty object, which a model could only answer with {}: name its properties`,
    );
  }
  const required: unknown[] = Array.isArray(schema["required"]) ? schema["required"] : [];
  const optional = properties.map(([name]) => name).filter((name) => !required.includes(name));
  if (optional.length > 0)
    throw new Error(`${path}: ${optional.join(", ")} is optional: require it, or let it be null`);
  return {
    type: "object",
    properties: Object.fromEntries(properties.map(([name, each]) => [name, strictSchema(each, `${path}.${name}`)])),
    required: properties.map(([name]) => name),
    additionalProperties: false,
  };
}

function descriptionOf(schema: Record<string, unknown>, path: string): string {
  const said = typeof schema["description"] === "string" ? [schema["description"]] : [];
  const told = Object.entries(schema).flatMap(([keyword, value]) => {
    if (passedOver.has(keyword) || read.has(keyword)) return [];
    const tell = limits[keyword];
    if (!tell || typeof value !== "number") throw new Error(`${path}: the keyword "${keyword}" isn't known`);
    // Zod bounds every integer by what a number can hold.
    return Math.abs(value) >= Number.MAX_SAFE_INTEGER ? [] : [tell(value)];
  });
  return [...said, ...told].join("; ");
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return value !== null && typeof value === "object" && !Array.isArray(value);
}
