import { isAbsolute } from "node:path";
import { z } from "zod";
import { keyPrefix, targetOfKey } from "./key-target.ts";

/** Each is watched. */
const declaredMax = 32;

/** Names that are targets of other sources, so no node may have them. */
const taken = new Set(["redis", "cluster"]);

/** A node's id, as the limiter accepts it. */
export const NodeId = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9_.-]{0,31}$/, {
    error: "an id of 1 to 32 letters, digits, dots, dashes or underscores",
  })
  .refine((id) => !taken.has(id), { error: `an id other than ${[...taken].join(" and ")}` })
  .refine((id) => !id.startsWith(keyPrefix), { error: `an id that doesn't begin with ${keyPrefix}` });

/** Where a node is reached, without a path. */
export const NodeUrl = z
  .url({ protocol: /^https?$/, error: "an address like http://127.0.0.1:4001" })
  .max(256)
  .transform((url) => new URL(url).origin);

/** The room's environment, by the variables' names. */
export const settings = {
  RATELIMITER_REDIS_URL: z
    .string()
    .regex(/^redis:\/\/[^/\s]+(\/\d*)?$/, { error: "an address like redis://127.0.0.1:6379" }),
  RATELIMITER_NODES: z
    .string()
    .default("")
    .transform((text, context) => {
      const nodes = new Map<string, string>();
      for (const part of text.split(",").filter((part) => part.trim() !== "")) {
        const [id = "", ...rest] = part.trim().split("=");
        const node = z.object({ id: NodeId, url: NodeUrl }).safeParse({ id, url: rest.join("=") });
        if (node.success) nodes.set(node.data.id, node.data.url);
        else
          context.addIssue(`"${part}" is no node: write ${node.error.issues.map(({ message }) => message).join(", ")}`);
      }
      return nodes;
    }),
  RATELIMITER_LIMITS: z
    .string()
    .default("")
    .transform((text, context) => {
      const limits = new Map<string, { limit: number; windowMs: number }>();
      for (const part of text.split(",").filter((part) => part.trim() !== "")) {
        const [, key = "", limit, windowMs] = /^(.+)=(\d{1,5})\/(\d{1,8})$/.exec(part.trim()) ?? [];
        const declared = { limit: Number(limit), windowMs: Number(windowMs) };
        if (targetOfKey(key) !== undefined && declared.limit > 0 && declared.windowMs > 0) limits.set(key, declared);
        else context.addIssue(`"${part}" is no limit: write key=hits/milliseconds, e.g. login=5/60000`);
      }
      if (limits.size > declaredMax)
        context.addIssue(`${limits.size} limits are declared: ${declaredMax} are the most`);
      return limits;
    }),
  RATELIMITER_LOGS: z
    .string()
    .default("")
    .transform((text, context) => {
      const files = new Map<string, string>();
      for (const part of text.split(",").filter((part) => part.trim() !== "")) {
        const [target = "", ...rest] = part.trim().split("=");
        const file = rest.join("=");
        if ((target === "redis" || NodeId.safeParse(target).success) && isAbsolute(file)) files.set(target, file);
        else context.addIssue(`"${part}" is no log: write node=/path/of/its.log, or redis=/path/of/its.log`);
      }
      return files;
    }),
  RATELIMITER_MANAGEMENT_TOKEN: z
    .string()
    .min(16, { error: "the management token of the nodes, 16 characters or more" })
    .optional(),
};
const Settings = z.object(settings);
export type Settings = z.infer<typeof Settings>;

/** Throws with every bad variable. */
export function readSettings(environment: Record<string, string | undefined>): Settings {
  const given = Object.entries(environment).filter(([name, value]) => name in settings && value !== "");
  const read = Settings.safeParse(Object.fromEntries(given));
  if (read.success) return read.data;
  throw new Error(`the rate limiter's settings can't be used:\n${z.prettifyError(read.error)}`);
}

export const settingsHelp = [
  { name: "RATELIMITER_REDIS_URL", about: "the Redis that the nodes share, e.g. redis://127.0.0.1:6379" },
  {
    name: "RATELIMITER_NODES",
    about:
      "nodes to watch from the start, e.g. node-a=http://127.0.0.1:4001,node-b=http://127.0.0.1:4002; others are found in the registry",
    default: "",
  },
  {
    name: "RATELIMITER_LIMITS",
    about:
      "limits that have to hold whatever is stored, as key=hits/milliseconds, e.g. login=5/60000,search=100/1000; at most 32",
    default: "",
  },
  {
    name: "RATELIMITER_LOGS",
    about:
      "files that nodes and Redis write their logs to, as the observer can read them, e.g. node-a=/var/log/node-a.log,redis=/var/log/redis.log",
    default: "",
  },
  {
    name: "RATELIMITER_MANAGEMENT_TOKEN",
    about: "the nodes' management token, for those who change something; the observer needs none",
  },
];
