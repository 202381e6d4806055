import { parseArgs } from "node:util";
import { z } from "zod";

/** What the load generator is told, by flags or by LOAD_…; the limits are those that it holds the limiter to. */
export const LoadConfig = z.object({
  targets: z
    .string({ error: "is required: the URLs of the nodes, with commas between" })
    .transform((text) => text.split(",").map((target) => target.trim().replace(/\/$/, "")))
    .pipe(z.array(z.url({ protocol: /^https?$/ })).min(1)),
  rate: number(0.1, 10_000).default(60),
  keys: number(1, 100_000).default(50),
  seed: number(0, 4_294_967_295).optional(),
  "hot-share": number(0, 1).default(0.1),
  limit: number(1, 10_000).default(100),
  "window-ms": number(100, 86_400_000).default(60_000),
  "key-limits": z.string().default("").transform(readKeyLimits),
  "timeout-ms": number(10, 60_000).default(1_000),
  "duration-ms": number(1, 604_800_000).optional(),
  "beat-file": z.string().optional(),
});
export type LoadConfig = z.infer<typeof LoadConfig>;

/** Reads flags, else the environment (`--window-ms` is LOAD_WINDOW_MS); lists every bad one at once. */
export function readLoadConfig(
  args: string[],
  env: Record<string, string | undefined> = process.env,
): { ok: true; config: LoadConfig } | { ok: false; problems: string[] } {
  const names = Object.keys(LoadConfig.shape);
  try {
    const options = Object.fromEntries(names.map((name) => [name, { type: "string" as const }]));
    const { values } = parseArgs({ args, options });
    const given = names.flatMap((name) => {
      const value = values[name] ?? env[`LOAD_${name.toUpperCase().replaceAll("-", "_")}`];
      return value === undefined || value === "" ? [] : [[name, value]];
    });
    const read = LoadConfig.safeParse(Object.fromEntries(given));
    if (read.success) return { ok: true, config: read.data };
    return { ok: false, problems: read.error.issues.map((issue) => `--${issue.path.join(".")}: ${issue.message}`) };
  } catch (error) {
    return { ok: false, problems: [error instanceof Error ? error.message : String(error)] };
  }
}

/** `a=10/1000,b=5/60000`: at most 10 of a in each second. */
function readKeyLimits(text: string, context: z.RefinementCtx): Map<string, { limit: number; windowMs: number }> {
  const limits = new Map<string, { limit: number; windowMs: number }>();
  for (const part of text.split(",").filter((part) => part !== "")) {
    const [, key, limit, windowMs] = /^(.+)=(\d+)\/(\d+)$/.exec(part) ?? [];
    if (key === undefined) context.addIssue(`"${part}" is not key=limit/windowMs`);
    else limits.set(key, { limit: Number(limit), windowMs: Number(windowMs) });
  }
  return limits;
}

function number(min: number, max: number) {
  const error = `must be a number from ${min} to ${max}`;
  return z
    .string()
    .regex(/^\d+(\.\d+)?$/, { error })
    .transform(Number)
    .pipe(z.number().min(min, { error }).max(max, { error }));
}
