import { Option } from "commander";
import { z } from "zod";
import { CliError } from "../cli-error.ts";
import { type Progress, progressOn } from "../deploy/progress.ts";
import type { Shell } from "../shell.ts";
import { type Line, toText } from "../terminal/page.ts";
import { durationBetween } from "./durations.ts";

/** How long a start may take until all is up. */
export const timeoutOption = new Option("--timeout <time>", "how long until all must be up, without building")
  .argParser(durationBetween(5_000, 3_600_000))
  .default(180_000, "180s");

/**
 * Something that takes long, with its progress. What an error quotes of logs is shown above it; whoever
 * presses Ctrl-C is told `whenStopped`.
 */
export async function withProgress<Result>(
  shell: Shell,
  options: { json?: boolean },
  act: (progress: Progress) => Promise<Result>,
  whenStopped?: string,
): Promise<Result> {
  const progress = progressOn(shell, options);
  try {
    return await act(progress);
  } catch (error) {
    progress.end();
    if (shell.signal.aborted) shell.err(whenStopped === undefined ? "" : `${whenStopped}\n`);
    else if (!options.json) shell.err(toText(logOf(error), false));
    throw error;
  } finally {
    progress.end();
  }
}

const WithLog = z.object({ service: z.string().optional(), log: z.array(z.string()).min(1) });

function logOf(error: unknown): Line[] {
  const { success, data } = WithLog.safeParse(error instanceof CliError ? error.details : undefined);
  if (!success) return [];
  const whose = data.service === undefined ? "the last lines" : `the last lines of ${data.service}`;
  return [[], [`${whose}:`], ...data.log.map((line): Line => [`  ${line}`]), []];
}
