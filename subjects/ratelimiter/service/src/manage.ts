import { createHash, timingSafeEqual } from "node:crypto";
import type { FastifyInstance } from "fastify";
import type { Redis } from "ioredis";
import type { Logger } from "pino";
import { z } from "zod";
import { listCounters, readCounters, resetCounter } from "./counters.ts";
import type { Denials } from "./denials.ts";
import { Key, Limit, type Limits, limitsMax } from "./limits.ts";
import type { Link } from "./link.ts";
import { quoted, Refusal, type RefusalCode } from "./refusal.ts";
import { forgetNode, listNodes } from "./registry.ts";

/** The API for those who run the limiter, under /v1/manage, behind a token. */
export function manageRoutes(
  app: FastifyInstance,
  token: string,
  parts: { redis: Redis; link: Link; limits: Limits; denials: Denials; log: Logger },
  /** Begins to stop in order, as SIGTERM does. */
  drain: () => void,
): void {
  const { redis, link, limits, denials, log } = parts;
  app.addHook("onRequest", async (request) => checkToken(request.headers.authorization, token));

  app.get("/nodes", async () => listNodes(redis, link));

  app.delete("/nodes/:id", async (request) => {
    const { id } = parse(z.object({ id: z.string().min(1).max(32) }), request.params, "node_unknown");
    const outcome = await forgetNode(redis, link, id);
    if (outcome === "unknown") throw new Refusal("node_unknown", `no node ${quoted(id)} is a member`);
    if (outcome === "alive")
      throw new Refusal(
        "node_alive",
        `node ${quoted(id)} still sends heartbeats: stop it with SIGTERM and it leaves by itself`,
      );
    log.info({ id }, "node forgotten");
    return { id, forgotten: true };
  });

  app.post("/drain", async (_request, reply) => {
    log.info("told to drain");
    drain();
    return reply.code(202).send({ draining: true });
  });

  app.get("/limits", async () => {
    const { version, limits: stored, unreadable, fallback } = limits.all();
    return { version, default: fallback, limits: [...stored].map(([key, limit]) => ({ key, ...limit })), unreadable };
  });

  app.put("/limits/:key", async (request) => {
    const key = keyOf(request.params);
    const limit = parse(Limit, request.body, "limit_invalid");
    const version = await limits.store(key, limit);
    if (version === 0)
      throw new Refusal(
        "limits_full",
        `${limitsMax} limits are stored, which is the most: delete one before ${quoted(key)}`,
      );
    log.info({ key, ...limit, version }, "limit stored");
    return { key, ...limit, version };
  });

  app.delete("/limits/:key", async (request) => {
    const key = keyOf(request.params);
    const version = await limits.remove(key);
    if (version === -1) throw new Refusal("limit_unknown", `no limit is stored for ${quoted(key)}`);
    log.info({ key, version }, "limit removed");
    return { key, version };
  });

  app.get("/counters", async (request) =>
    listCounters(redis, link, limits, parse(PageQuery, request.query, "query_invalid")),
  );

  app.get("/counters/:key", async (request) => (await readCounters(redis, link, limits, [keyOf(request.params)]))[0]);

  app.post("/counters/:key/reset", async (request) => {
    const key = keyOf(request.params);
    const removed = await resetCounter(redis, link, key);
    denials.forget(key);
    log.info({ key, removed }, "counter reset");
    return { key, removed };
  });
}

const PageQuery = z.strictObject({
  prefix: z.string().max(256).default(""),
  cursor: z
    .string()
    .regex(/^\d{1,20}$/, { error: "must be a cursor from the page before" })
    .default("0"),
});

function keyOf(params: unknown): string {
  return parse(z.object({ key: Key }), params, "key_invalid").key;
}

function parse<T>(schema: z.ZodType<T>, value: unknown, code: RefusalCode): T {
  const read = schema.safeParse(value);
  if (!read.success) throw new Refusal(code, `${quoted(value)} won't do: ${z.prettifyError(read.error)}`);
  return read.data;
}

/** Compares digests, so that the time tells neither where the first difference is nor how long the token is. */
function checkToken(authorization: string | undefined, token: string): void {
  const given = /^Bearer (.+)$/.exec(authorization ?? "")?.[1];
  if (given === undefined)
    throw new Refusal("token_missing", "send the header Authorization: Bearer <management token>");
  if (!timingSafeEqual(digest(given), digest(token)))
    throw new Refusal("token_wrong", "this is not the management token of this node");
}

function digest(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}
