import type { IncomingMessage, RequestListener } from "node:http";
import { expectNothing, networkOf, networkOrderOf, orderOf, type Route, routeOf } from "./route.ts";
import type { Supervision } from "./supervision.ts";
import { quoted, Refusal } from "./supervisor-error.ts";

/** What each kind of client may ask; nothing else, whatever path it guesses. */
const verbsOf = {
  chaos: ["list", "kill", "pause", "unpause", "stop", "start", "disconnect", "connect", "revert"],
  actuator: ["list", "start"],
} as const satisfies Record<string, readonly Route["verb"][]>;
export type ClientKind = keyof typeof verbsOf;

const bodyBytesMax = 16 * 1024;

/** Answers the requests of one kind of client: with JSON, `{refused: {code, message}}` when it's refused or fails. */
export function listenerFor(client: ClientKind, supervision: Supervision): RequestListener {
  return async (request, response) => {
    // Closed before the answer was written: nobody waits for it.
    const asked = new AbortController();
    response.once("close", () => {
      if (!response.writableFinished) asked.abort();
    });
    const answer = (status: number, body: unknown) => {
      if (!request.complete) response.setHeader("connection", "close");
      response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
    };
    try {
      const route = routeOf(request.method ?? "", request.url ?? "");
      const allowed: readonly Route["verb"][] = verbsOf[client];
      if (!allowed.includes(route.verb)) {
        const message = `the socket of ${client} allows ${allowed.join(" and ")}, not ${quoted(route.verb)}`;
        throw new Refusal("VERB_FORBIDDEN", message);
      }
      answer(200, await carryOut(supervision, route, await bodyOf(request), asked.signal));
    } catch (error) {
      if (error instanceof Refusal) {
        answer(error.status, { refused: { code: error.code, message: error.message } });
      } else if (!asked.signal.aborted) throw error;
    }
  };
}

async function carryOut(supervision: Supervision, route: Route, body: string, asked: AbortSignal): Promise<unknown> {
  if (route.verb === "kill" || route.verb === "pause")
    return await supervision.inject({ verb: route.verb, target: route.target }, orderOf(body), asked);
  if (route.verb === "disconnect") {
    const { network, ...order } = networkOrderOf(body);
    return await supervision.inject({ verb: route.verb, target: route.target, network }, order, asked);
  }
  if (route.verb === "connect") return await supervision.connect(route.target, networkOf(body), asked);
  expectNothing(body);
  if (route.verb === "list") return { members: await supervision.list() };
  if (route.verb === "revert") return await supervision.revert(route.fault, asked);
  return await supervision[route.verb](route.target, asked);
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request) {
    if (!Buffer.isBuffer(chunk)) throw new TypeError("the body isn't read as bytes");
    bytes += chunk.length;
    if (bytes > bodyBytesMax) throw new Refusal("TOO_LARGE", `the body is larger than ${bodyBytesMax} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}
