import type { ReadTool } from "@operator/subject/read-tool";
import { strictSchema, type StrictObject } from "./strict-schema.ts";

/** Calls of read tools for one diagnosis, altogether. */
export const readCallsMax = 8;

/** What the model is told of a read tool. */
export type DescribedReadTool = Pick<ReadTool, "name" | "title" | "about" | "parameters">;

/** A tool as the Messages API takes it; `strict` holds the model to names and parameters. */
export interface ClaudeTool {
  name: string;
  description: string;
  input_schema: { [key: string]: unknown } & StrictObject;
  strict: true;
}

/** Read tools as a model may call them. Throws on parameters that can't be told to a model; the exam refuses them before. */
export function claudeTools(tools: readonly DescribedReadTool[]): ClaudeTool[] {
  return tools.map(({ name, title, about, parameters }) => ({
    name,
    description: `${title}. ${about}`,
    input_schema: { ...inputSchema(name, parameters) },
    strict: true,
  }));
}

function inputSchema(name: string, parameters: DescribedReadTool["parameters"]): StrictObject {
  const schema = parameters.toJSONSchema({ io: "input" });
  const { type, properties, additionalProperties: more } = schema;
  // Here an empty object is just what a call without parameters has.
  if (type === "object" && Object.keys(properties ?? {}).length === 0 && (more === undefined || more === false)) {
    return { type: "object", properties: {}, required: [], additionalProperties: false };
  }
  const strict = strictSchema(schema, `read tool ${name}`);
  if (!("properties" in strict)) throw new Error(`read tool ${name}: its parameters are no object`);
  return strict;
}
