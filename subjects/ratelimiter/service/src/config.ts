import { readFileSync } from "node:fs";
import { z } from "zod";

/** What a node is told by its environment; every name has the prefix `RATELIMITER_`. */
export const Config = z.object({
  RATELIMITER_NODE_ID: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9_.-]{0,31}$/, {
    error: "must be 1 to 32 letters, digits, dots, dashes or underscores, beginning with a letter or digit",
  }),
  RATELIMITER_HOST: z.string().default("127.0.0.1"),
  RATELIMITER_PORT: whole(0, 65_535).default(0),
  RATELIMITER_REDIS_URL: z.string().regex(/^rediss?:\/\/[^/\s]+(\/\d*)?$/, {
    error: "must be redis://host:port or rediss://host:port",
  }),
  RATELIMITER_ADVERTISE_URL: z.url({ protocol: /^https?$/, error: "must be an http:// or https:// URL" }).optional(),
  RATELIMITER_MANAGEMENT_TOKEN: z.string().min(16, { error: "must be at least 16 characters" }),
  RATELIMITER_COMMAND_TIMEOUT_MS: whole(5, 10_000).default(100),
  RATELIMITER_BREAKER_FAILURES: whole(1, 1_000).default(3),
  RATELIMITER_PROBE_MS: whole(50, 60_000).default(500),
  RATELIMITER_HEARTBEAT_MS: whole(50, 60_000).default(1_000),
  RATELIMITER_NODE_TTL_MS: whole(100, 600_000).default(3_000),
  RATELIMITER_DEFAULT_LIMIT: whole(1, 10_000).default(100),
  RATELIMITER_DEFAULT_WINDOW_MS: whole(100, 86_400_000).default(60_000),
  RATELIMITER_FAILURE_POLICY: z.enum(["open", "closed"], { error: "must be open or closed" }).default("open"),
  RATELIMITER_LIMITS_REFRESH_MS: whole(50, 60_000).default(1_000),
  RATELIMITER_DENY_CACHE_MS: whole(0, 1_000).default(100),
  RATELIMITER_DRAIN_MS: whole(0, 3_000).default(500),
  RATELIMITER_LOG_FILE: z.string().startsWith("/", { error: "must be an absolute path" }).optional(),
  RATELIMITER_LOG_LEVEL: z
    .enum(["debug", "info", "warn", "error", "silent"], { error: "must be debug, info, warn, error or silent" })
    .default("info"),
});
export type Config = z.infer<typeof Config>;

/** A token may be given as a file, so that it stands in no container's settings. */
function withTokenFile(env: Record<string, string | undefined>): Record<string, string | undefined> {
  const { RATELIMITER_MANAGEMENT_TOKEN_FILE: file, RATELIMITER_MANAGEMENT_TOKEN: token } = env;
  if (!file || token) return env;
  try {
    return { ...env, RATELIMITER_MANAGEMENT_TOKEN: readFileSync(file, "utf8").trim() };
  } catch {
    // Then it isn't set, which is said with the rest.
    return env;
  }
}

/**
 * Reads the environment. Returns every bad variable at once, so that a person mends them in one go; an empty
 * variable counts as unset, because compose files pass those. A secret is never quoted, only its length.
 */
export function readConfig(
  env: Record<string, string | undefined>,
): { ok: true; config: Config } | { ok: false; problems: string[] } {
  const given = Object.fromEntries(
    Object.entries(withTokenFile(env)).filter(([, value]) => value !== undefined && value !== ""),
  );
  const read = Config.safeParse(given);
  const problems = read.success
    ? problemsBetween(read.data)
    : read.error.issues.map((issue) => problemOf(issue, given));
  return read.success && problems.length === 0 ? { ok: true, config: read.data } : { ok: false, problems };
}

function problemsBetween(config: Config): string[] {
  const { RATELIMITER_NODE_TTL_MS: ttlMs, RATELIMITER_HEARTBEAT_MS: heartbeatMs } = config;
  // With a shorter one a healthy node would vanish from the registry after a single late heartbeat.
  if (ttlMs >= 2 * heartbeatMs) return [];
  return [
    `RATELIMITER_NODE_TTL_MS=${ttlMs}: must be at least twice RATELIMITER_HEARTBEAT_MS (${heartbeatMs}), so ${2 * heartbeatMs} or more`,
  ];
}

function problemOf(issue: z.core.$ZodIssue, given: Record<string, string | undefined>): string {
  const name = String(issue.path[0]);
  const value = given[name];
  if (value === undefined) return `${name}: is not set, but required`;
  const quoted = name.endsWith("_TOKEN")
    ? `${name} (${value.length} characters)`
    : `${name}=${JSON.stringify(withoutPassword(value))}`;
  return `${quoted}: ${issue.message}`;
}

/** A Redis URL may carry a password. */
function withoutPassword(value: string): string {
  return value.replace(/\/\/[^@/]*@/, "//***@");
}

function whole(min: number, max: number) {
  const error = `must be a whole number from ${min} to ${max}`;
  return z
    .string()
    .regex(/^\d+$/, { error })
    .transform(Number)
    .pipe(z.int({ error }).min(min, { error }).max(max, { error }));
}
