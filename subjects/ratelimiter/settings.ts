import { listByName, logFiles, settingsReader } from "@operator/subject/settings";
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
  RATELIMITER_NODES: listByName((part) => {
    const [id = "", ...rest] = part.split("=");
    const node = z.object({ id: NodeId, url: NodeUrl }).safeParse({ id, url: rest.join("=") });
    if (node.success) return [node.data.id, node.data.url];
    return { problem: `is no node: write ${node.error.issues.map(({ message }) => message).join(", ")}` };
  }),
  RATELIMITER_LIMITS: listByName((part) => {
    const [, key = "", limit, windowMs] = /^(.+)=(\d{1,5})\/(\d{1,8})$/.exec(part) ?? [];
    const declared = { limit: Number(limit), windowMs: Number(windowMs) };
    return targetOfKey(key) !== undefined && declared.limit > 0 && declared.windowMs > 0
      ? [key, declared]
      : { problem: "is no limit: write key=hits/milliseconds, e.g. login=5/60000" };
  }).superRefine(({ size }, context) => {
    if (size > declaredMax) context.addIssue(`${size} limits are declared: ${declaredMax} are the most`);
  }),
  RATELIMITER_LOGS: logFiles(
    (target) => target === "redis" || NodeId.safeParse(target).success,
    "is no log: write node=/path/of/its.log, or redis=/path/of/its.log",
  ),
  RATELIMITER_MANAGEMENT_TOKEN: z
    .string()
    .min(16, { error: "the management token of the nodes, 16 characters or more" })
    .optional(),
};
/** Throws with every bad variable. */
export const readSettings = settingsReader("the rate limiter", settings);
export type Settings = ReturnType<typeof readSettings>;

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
