import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { z } from "zod";

export const root = join(import.meta.dirname, "..", "..");

/** The last line of the demo with `--json`. */
const Summary = z.object({
  type: z.literal("summary"),
  ok: z.boolean(),
  scenarios: z.array(
    z.looseObject({
      scenario: z.string(),
      roots: z.array(
        z.looseObject({
          fault: z.string(),
          target: z.string(),
          invariant: z.string(),
          detectMs: z.number(),
          engine: z.string(),
          rootCause: z.object({ category: z.string(), target: z.string() }),
          evidence: z.number().positive(),
          action: z.string().nullable(),
          verified: z.boolean(),
        }),
      ),
      leftovers: z.array(
        z.looseObject({ invariant: z.string(), action: z.string().nullable(), verified: z.boolean() }),
      ),
      tickets: z.number(),
      cleared: z.boolean(),
      recoveredBy: z.enum(["action", "revert"]),
      wrong: z.array(z.string()),
    }),
  ),
});

export function spawnDemo(...options: string[]) {
  return spawn(process.execPath, [join(root, "cli", "src", "main.ts"), "demo", "--json", ...options], {
    cwd: root,
    stdio: ["ignore", "pipe", "pipe"],
  });
}

/** Runs a demo that is refused: what it says, and its exit code. */
export async function refusedDemo(...options: string[]) {
  const demo = spawnDemo(...options);
  demo.stdout.resume();
  const [said, [code]] = await Promise.all([text(demo.stderr), once(demo, "exit")]);
  return { said, code: Number(code) };
}

/** Runs the demo to its end; `complaints` are what it found wrong, by scenario. */
export async function runDemo(...options: string[]) {
  const demo = spawnDemo(...options);
  const [out, said, [code]] = await Promise.all([text(demo.stdout), text(demo.stderr), once(demo, "exit")]);
  if (said !== "") console.error(said);
  const last = out.trim().split("\n").at(-1) ?? "";
  const read = Summary.safeParse(JSON.parse(last));
  if (!read.success) throw new Error(`the demo ended without a summary, with: ${last}`);
  const { scenarios, ok } = read.data;
  const complaints = scenarios.flatMap(({ scenario, wrong }) => wrong.map((what) => `${scenario}: ${what}`));
  return { scenarios, ok, complaints, code: Number(code) };
}
