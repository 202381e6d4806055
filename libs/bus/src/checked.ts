import type { z } from "zod";

/** By value: the schema that accepted it, and what it made of it. Values aren't changed in place, so it holds as long as they live. */
const accepted = new WeakMap<object, { schema: z.ZodType; data: unknown }>();

/**
 * Parses a value, unless this very schema has accepted this very value before: a snapshot that was read is cited as it is,
 * and a ticket is stored and then told. Give the compiled schema (`compiledOf`), which is one object for one schema.
 */
export function check<T>(schema: z.ZodType<T>, value: unknown): z.ZodSafeParseResult<T> {
  const known = typeof value === "object" && value !== null ? accepted.get(value) : undefined;
  // What a schema made is of that schema's type.
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion
  if (known?.schema === schema) return { success: true, data: known.data as T };
  const parsed = schema.safeParse(value);
  if (!parsed.success) return parsed;
  const { data } = parsed;
  for (const one of [value, data]) {
    if (typeof one === "object" && one !== null) accepted.set(one, { schema, data });
  }
  return parsed;
}
