import { InstanceName } from "@operator/contracts/names";
import { z } from "zod";
import { isSecret, withSecretFiles } from "./environment.ts";

const port = z.coerce.number().int().min(0).max(65_535);

/** What every service is told. Keys are the names of the environment's variables, so that one word serves both. */
const common = {
  OPERATOR_NATS_URL: z
    .string()
    .regex(/^(nats|tls):\/\/\S+$/, "an address like nats://127.0.0.1:4222")
    .default("nats://127.0.0.1:4222"),
  OPERATOR_NATS_PASSWORD: z.string().min(1),
  OPERATOR_INSTANCE: InstanceName.optional(),
  /** 0 takes a free one and says which. */
  OPERATOR_HTTP_PORT: port.default(0),
  OPERATOR_HTTP_HOST: z.string().min(1).default("127.0.0.1"),
  OPERATOR_LOG_LEVEL: z.enum(["trace", "debug", "info", "warn", "error"]).default("info"),
};
const Common = z.object(common);
export type CommonConfig = z.infer<typeof Common>;

/** sysexits' EX_CONFIG: a supervisor needn't try again. */
const badConfigExit = 78;

/**
 * The service's settings from the environment. A bad start says every bad variable at once, with its value and what is
 * expected, and ends the process with 78. An empty variable is an absent one.
 */
export function readConfig<Shape extends z.ZodRawShape>(
  shape: Shape,
  environment: Record<string, string | undefined>,
): z.infer<z.ZodObject<Shape>> & CommonConfig {
  const given = present(environment);
  const [own, shared] = [z.object(shape).safeParse(given), Common.safeParse(given)];
  if (own.success && shared.success) return { ...shared.data, ...own.data };
  return refuse([...(shared.error?.issues ?? []), ...(own.error?.issues ?? [])], given);
}

/** The same for a program that isn't on the bus: its own settings alone. */
export function readOwnConfig<Shape extends z.ZodRawShape>(
  shape: Shape,
  environment: Record<string, string | undefined>,
): z.infer<z.ZodObject<Shape>> {
  const given = present(environment);
  const own = z.object(shape).safeParse(given);
  return own.success ? own.data : refuse(own.error.issues, given);
}

function present(environment: Record<string, string | undefined>): Record<string, string | undefined> {
  return Object.fromEntries(Object.entries(withSecretFiles(environment)).filter(([, value]) => value !== ""));
}

function refuse(issues: z.core.$ZodIssue[], given: Record<string, string | undefined>): never {
  process.stderr.write(`bad configuration:\n${issues.map((issue) => `  ${say(issue, given)}\n`).join("")}`);
  return process.exit(badConfigExit);
}

function say(issue: z.core.$ZodIssue, given: Record<string, string | undefined>): string {
  const name = String(issue.path[0]);
  const value = given[name];
  if (value === undefined) return `${name} is not set: ${issue.message}`;
  // A URL may carry a password.
  const shown = value.replace(/\/\/[^@/\s]*@/g, "//***@");
  return `${name} is ${isSecret(name) ? "[redacted]" : JSON.stringify(shown)}: ${issue.message}`;
}
