import { readFileSync } from "node:fs";
import { join } from "node:path";
import { SubjectName } from "@operator/contracts/names";
import { z } from "zod";
import { CliError } from "./cli-error.ts";

/** Where a running operator is, and how to get in: written by the demo for its lifetime, or by hand. */
export const Context = z.object({
  url: z.string().min(1).optional(),
  /** By NATS user; the CLI is `cli`, `provision` makes streams and replays dead letters. */
  passwords: z
    .object({ cli: z.string().min(1), provision: z.string().min(1), watch: z.string().min(1) })
    .partial()
    .default({}),
  /** The subjects that are watched. */
  subjects: z.array(SubjectName).optional(),
});
export type Context = z.infer<typeof Context>;

/**
 * The context of `--context`, else of the project's `.operator/context.json`, which needn't be there. A word without dot
 * or slash is the name of one of the project's, e.g. `compose` for `.operator/compose/context.json`.
 */
export function readContext(given: string | undefined, root: string): { file: string; context: Context } | undefined {
  const isName = given !== undefined && /^[\w-]+$/.test(given);
  const file = isName || given === undefined ? join(root, ".operator", given ?? "", "context.json") : given;
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (error) {
    if (given === undefined && isMissing(error)) return undefined;
    const why = error instanceof Error ? error.message : String(error);
    throw new CliError("CONTEXT_INVALID", `the context file "${file}" can't be read (${why}): check --context`);
  }
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    throw new CliError("CONTEXT_INVALID", `the context file "${file}" isn't JSON: correct it, or start the demo again`);
  }
  const context = Context.safeParse(parsed);
  if (context.success) return { file, context: context.data };
  // Only paths and expectations: a message that quoted values could quote a password.
  const wrong = context.error.issues.map(({ path, message }) => `${path.join(".") || "the document"}: ${message}`);
  throw new CliError("CONTEXT_INVALID", `the context file "${file}" isn't as expected: ${wrong.join("; ")}`);
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "ENOENT";
}
