import { isDeepStrictEqual } from "node:util";
import { z } from "zod";

// What the Messages API of version 2026-10-21 refuses with a 400, as far as we know it: a request that passes here may
// still be refused by the real one, and one that doesn't pass would be.

const Text = z.strictObject({
  type: z.literal("text"),
  text: z.string().min(1),
  cache_control: z.strictObject({ type: z.literal("ephemeral"), ttl: z.enum(["5m", "1h"]).optional() }).optional(),
});

export const ToolResult = z.strictObject({
  type: z.literal("tool_result"),
  tool_use_id: z.string(),
  content: z.string().min(1),
  is_error: z.boolean().optional(),
});

const Tool = z.strictObject({
  name: z.string().regex(/^[\w-]{1,64}$/),
  description: z.string().min(1),
  input_schema: z.record(z.string(), z.unknown()),
  strict: z.literal(true),
});

const Body = z.strictObject({
  model: z.string().regex(/^claude-/),
  max_tokens: z.int().min(1).max(128_000),
  system: z.union([z.string(), z.array(Text)]).optional(),
  messages: z
    .array(
      z.discriminatedUnion("role", [
        z.strictObject({
          role: z.literal("user"),
          content: z.union([z.string().min(1), z.array(z.union([Text, ToolResult])).min(1)]),
        }),
        z.strictObject({ role: z.literal("assistant"), content: z.array(z.looseObject({ type: z.string() })).min(1) }),
      ]),
    )
    .min(1),
  tools: z.array(Tool).min(1).max(20).optional(),
  tool_choice: z.strictObject({ type: z.enum(["auto", "none"]) }).optional(),
  cache_control: z.strictObject({ type: z.literal("ephemeral"), ttl: z.enum(["5m", "1h"]).optional() }).optional(),
  output_config: z
    .strictObject({
      effort: z.enum(["low", "medium", "high", "xhigh", "max"]).optional(),
      format: z.strictObject({ type: z.literal("json_schema"), schema: z.record(z.string(), z.unknown()) }).optional(),
    })
    .optional(),
  // Sampling parameters, tool_choice by name and thinking other than adaptive are gone: a strict object refuses them all.
  thinking: z.strictObject({ type: z.literal("adaptive") }).optional(),
  stream: z.boolean().optional(),
});
export type Body = z.infer<typeof Body>;

/** The request as the API would read it, or why it wouldn't. `answered`: the contents that this server has given so far. */
export function readRequest(body: unknown, answered: readonly unknown[]): { body: Body } | { refused: string } {
  const parsed = Body.safeParse(body);
  if (!parsed.success) return { refused: z.prettifyError(parsed.error) };
  const { messages, system, output_config, max_tokens, stream, tools = [], cache_control } = parsed.data;
  const refusals = [
    ...messages.flatMap(({ role }, at) =>
      role === (at % 2 === 0 ? "user" : "assistant") ? [] : [`messages.${at}: roles must alternate, user first`],
    ),
    ...(messages.at(-1)?.role === "user"
      ? []
      : ["messages: prefilling is not supported, the last one must be a user's"]),
    ...messages.flatMap(({ role, content }, at) =>
      role === "user" || answered.some((given) => isDeepStrictEqual(given, content))
        ? []
        : [`messages.${at}: thinking blocks must be passed back as they were given`],
    ),
    ...callRefusals(messages),
    ...(JSON.stringify({ system, messages, cache_control }).split('"cache_control"').length > 5
      ? ["at most 4 cache_control"]
      : []),
    ...(!stream && max_tokens > 21_333 ? ["streaming is required for so long an answer"] : []),
    ...schemaRefusals(output_config?.format?.schema, "output_config.format.schema"),
    ...tools.flatMap(({ name, input_schema }) => schemaRefusals(input_schema, `tools.${name}.input_schema`, true)),
  ];
  return refusals.length > 0 ? { refused: refusals.join("\n") } : { body: parsed.data };
}

const keywords = new Set([
  "type",
  "properties",
  "required",
  "additionalProperties",
  "items",
  "anyOf",
  "enum",
  "const",
  "description",
]);

/** Each call is answered by one result, before anything else, in the message that follows it. */
function callRefusals(messages: Body["messages"]): string[] {
  return messages.flatMap((message, at) => {
    const before = messages[at - 1];
    const calls = before?.role === "assistant" ? before.content.filter(({ type }) => type === "tool_use") : [];
    const blocks: { type: string; tool_use_id?: string }[] =
      message.role === "user" && typeof message.content !== "string" ? message.content : [];
    const results = blocks.filter(({ type }) => type === "tool_result").map(({ tool_use_id }) => tool_use_id);
    const isFirst = blocks.slice(0, results.length).every(({ type }) => type === "tool_result");
    const isAnswered = results.length === calls.length && calls.every(({ id }) => results.some((each) => each === id));
    return isAnswered && isFirst ? [] : [`messages.${at}: each tool_use needs one tool_result, at the beginning`];
  });
}

/** Where a schema isn't one that structured outputs take, or is one that can only be answered with an empty object. */
export function schemaRefusals(schema: unknown, path: string, mayBeEmpty = false): string[] {
  if (schema === undefined) return [];
  const parsed = z.record(z.string(), z.unknown()).safeParse(schema);
  if (!parsed.success) return [`${path}: is no schema`];
  const { type, properties, required, additionalProperties, items, anyOf } = parsed.data;
  const refusals = Object.keys(parsed.data)
    .filter((keyword) => !keywords.has(keyword))
    .map((keyword) => `${path}: the keyword ${keyword} is not supported`);
  if (Array.isArray(anyOf)) refusals.push(...anyOf.flatMap((each, at) => schemaRefusals(each, `${path}.anyOf.${at}`)));
  if (type === "array")
    refusals.push(...(items === undefined ? [`${path}: items is missing`] : schemaRefusals(items, `${path}.items`)));
  if (type !== "object") return refusals;
  const named = z.record(z.string(), z.unknown()).safeParse(properties).data ?? {};
  const names = Object.keys(named);
  if (additionalProperties !== false) refusals.push(`${path}: additionalProperties must be false`);
  if (names.length === 0 && !mayBeEmpty) refusals.push(`${path}: has no properties`);
  if (!isDeepStrictEqual(required, names)) refusals.push(`${path}: every property is to be required`);
  return [...refusals, ...names.flatMap((name) => schemaRefusals(named[name], `${path}.${name}`))];
}
