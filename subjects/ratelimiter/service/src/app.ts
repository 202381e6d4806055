import fastify, { type FastifyInstance } from "fastify";
import type { Logger } from "pino";
import { RedisUnavailable } from "./link.ts";
import { quoted, Refusal } from "./refusal.ts";

/** An HTTP server whose every error is `{ code, message }`. */
export function createApp(log: Logger): FastifyInstance {
  const app = fastify({
    logger: false,
    // A key of 256 characters may take nine bytes for each when it's percent-encoded.
    routerOptions: { maxParamLength: 4_096 },
    // A path that can't be decoded never reaches a route, nor the error handler below.
    frameworkErrors: (error, _request, reply) => {
      reply.raw.writeHead(400, { "content-type": "application/json" });
      reply.raw.end(JSON.stringify({ code: "key_invalid", message: error.message }));
    },
    forceCloseConnections: "idle",
    requestTimeout: 5_000,
    keepAliveTimeout: 30_000,
  });
  // Fastify would take text too, and hand it on as a string.
  app.removeContentTypeParser("text/plain");
  app.setNotFoundHandler(async (request) => {
    throw new Refusal("route_unknown", `there is no ${request.method} ${quoted(request.url)}`);
  });
  app.setErrorHandler(async (error, _request, reply) => {
    const refusal = refusalFor(error);
    if (refusal.code === "internal") log.error({ err: error }, "a request failed");
    if (refusal.status === 503) reply.header("retry-after", 1);
    return reply.code(refusal.status).send({ code: refusal.code, message: refusal.message });
  });
  return app;
}

function refusalFor(error: unknown): Refusal {
  if (error instanceof Refusal) return error;
  if (error instanceof RedisUnavailable)
    return new Refusal("redis_unavailable", `${error.message}: try again when /healthz says ok`);
  if (!(error instanceof Error))
    return new Refusal("internal", "something unexpected was thrown; the log of the node has more");
  // What fastify refuses by itself: a body that is too large, of another type, or no JSON.
  const status = "statusCode" in error ? Number(error.statusCode) : 500;
  if (status === 413) return new Refusal("body_too_large", error.message);
  if (status < 500) return new Refusal("body_unreadable", `${error.message}: send JSON as application/json`);
  return new Refusal("internal", "this is a defect of the service; the log of the node has more");
}
