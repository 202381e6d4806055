import { observations } from "./observations.ts";

/** The observer gives 2 s; a busy machine has more. */
const withinMs = 10_000;
const triesMax = 20;

/**
 * Asks as the observer does: the parameters parsed by the tool's own schema, the room's environment given. PD's 400 ms may
 * be too few on a busy machine: then it's asked again.
 */
export async function askTool(
  name: string,
  parameters: unknown,
  environment: Record<string, string>,
): Promise<unknown> {
  const tool = observations.find((each) => each.name === name);
  if (!tool) throw new Error(`no read tool ${name}`);
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion
  const parsed = tool.parameters.parse(parameters) as never;
  for (let tries = 1; ; tries += 1) {
    try {
      return await tool.read(parsed, { environment, signal: AbortSignal.timeout(withinMs) });
    } catch (error) {
      if (tries === triesMax || !String(error).includes("no answer in time")) throw error;
    }
  }
}
