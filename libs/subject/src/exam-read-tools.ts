import { examineParameters } from "./exam-parameters.ts";
import { ReadToolShape } from "./exam-shapes.ts";
import type { ReadTool } from "./read-tool.ts";

/** That a room's read tools can be told to a model, and called by name. */
export function examineReadTools(tools: readonly ReadTool[]): string[] {
  const names = tools.map((tool) => tool?.name);
  return tools.flatMap((tool, at) => {
    const about = `observations.ts: ${typeof tool?.name === "string" ? tool.name : `number ${at + 1}`}`;
    const shape = ReadToolShape.safeParse(tool);
    if (!shape.success) {
      return shape.error.issues.map(({ path, message }) => `${about}: ${path.join(".")}: ${message}`);
    }
    const twice = names.indexOf(tool.name) === at ? [] : [`${about}: named twice`];
    return [...twice, ...examineParameters(about, tool.parameters)];
  });
}
