import { z } from "zod";

/** What is wrong with the parameters that a model is to fill in: they are flat, closed, all required, and bounded. */
export function examineParameters(about: string, parameters: z.ZodType): string[] {
  const schema = JsonObject.safeParse(jsonSchemaOf(parameters));
  if (!schema.success) return [`${about}: parameters: expected a flat object that allows no other properties`];
  const { properties = {}, required = [] } = schema.data;
  return Object.entries(properties).flatMap(([name, property]) => [
    ...(required.includes(name) ? [] : [`${about}: parameters.${name}: must be required; a model may leave it out`]),
    ...(flat.has(property.type ?? "") || property.enum
      ? []
      : [`${about}: parameters.${name}: expected a string, a number or a boolean, not ${property.type ?? "a union"}`]),
    ...(property.type === "string" && property.maxLength === undefined && !property.enum
      ? [`${about}: parameters.${name}: a text needs a longest length`]
      : []),
    ...(/^(number|integer)$/.test(property.type ?? "") && !isBounded(property)
      ? [`${about}: parameters.${name}: a number needs a smallest and a largest value`]
      : []),
  ]);
}

const flat = new Set(["string", "number", "integer", "boolean"]);
const Property = z.looseObject({
  type: z.string().optional(),
  enum: z.array(z.unknown()).optional(),
  maxLength: z.number().optional(),
  minimum: z.number().optional(),
  maximum: z.number().optional(),
});
const JsonObject = z.looseObject({
  type: z.literal("object"),
  properties: z.record(z.string(), Property).optional(),
  required: z.array(z.string()).optional(),
  additionalProperties: z.literal(false),
});

/** What JavaScript counts exactly is what an integer without bounds of its own says. */
function isBounded({ minimum = -Infinity, maximum = Infinity }: z.infer<typeof Property>): boolean {
  return minimum > Number.MIN_SAFE_INTEGER && maximum < Number.MAX_SAFE_INTEGER;
}

function jsonSchemaOf(parameters: z.ZodType): unknown {
  try {
    return z.toJSONSchema(parameters);
  } catch {
    return undefined;
  }
}
