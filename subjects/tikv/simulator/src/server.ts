import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from "node:http";

/** A request, read to its end. */
export interface Asked {
  method: string;
  path: string;
  /** With the leading `?`, or empty. */
  search: string;
  query: URLSearchParams;
  /** What the `:names` of the route's path stand for. */
  params: Record<string, string>;
  headers: IncomingHttpHeaders;
  body: string;
  /** Address of who asks. */
  from: { host: string; port: number };
}

export interface Answer {
  status: number;
  /** Content-Type; none when there's no body. */
  type?: string;
  body?: string;
  headers?: Record<string, string>;
}

/** An answer, or `drop`: the connection is closed without one. */
export type Handler = (asked: Asked) => Answer | "drop" | Promise<Answer | "drop">;
/** `GET /pd/api/v1/store/:id` → handler. The first that fits is taken. */
export type Routes = Record<string, Handler>;

const bodyBytesMax = 64 * 1024 * 1024;

/** What answers a request: `routes`, else `otherwise`. */
export function router(routes: Routes, otherwise: Handler): Handler {
  const table = Object.entries(routes).map(([route, handler]) => {
    const [method = "", pattern = ""] = route.split(" ");
    return { method, parts: pattern.split("/"), handler };
  });
  return (asked) => {
    const parts = asked.path.split("/");
    for (const { method, parts: pattern, handler } of table) {
      if (method !== asked.method || pattern.length !== parts.length) continue;
      if (!pattern.every((part, at) => part.startsWith(":") || part === parts[at])) continue;
      const params: Record<string, string> = {};
      pattern.forEach((part, at) => {
        if (part.startsWith(":")) params[part.slice(1)] = decoded(parts[at] ?? "");
      });
      return handler({ ...asked, params });
    }
    return otherwise(asked);
  };
}

/** Listens; connections are kept for as long as whoever asks keeps them, as PD and TiKV do. */
export async function serve(handler: Handler, at: { host: string; port: number }): Promise<Server> {
  const server = createServer({ keepAliveTimeout: 0, headersTimeout: 0, requestTimeout: 0 }, (request, response) => {
    void read(request)
      .then((asked) => (asked === "too large" ? { status: 413 } : handler(asked)))
      .then((answer) => respond(response, answer))
      .catch((error: unknown) => respond(response, { status: 500, type: "text/plain", body: String(error) }));
  });
  return await new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(at.port, at.host, () => resolve(server));
  });
}

/** JSON as the simulator's own paths speak it. */
export function json(body: unknown, status = 200): Answer {
  return { status, type: "application/json", body: JSON.stringify(body) };
}

async function read(request: IncomingMessage): Promise<Asked | "too large"> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request) {
    const part = Buffer.from(chunk);
    bytes += part.length;
    if (bytes > bodyBytesMax) return "too large";
    chunks.push(part);
  }
  const url = new URL(request.url ?? "/", "http://localhost");
  return {
    method: request.method ?? "GET",
    path: url.pathname,
    search: url.search,
    query: url.searchParams,
    params: {},
    headers: request.headers,
    body: Buffer.concat(chunks).toString(),
    from: { host: request.socket.remoteAddress ?? "", port: request.socket.remotePort ?? 0 },
  };
}

function respond(response: ServerResponse, answer: Answer | "drop"): void {
  if (answer === "drop") {
    response.socket?.destroy();
    return;
  }
  response.statusCode = answer.status;
  if (answer.type !== undefined) response.setHeader("Content-Type", answer.type);
  for (const [name, value] of Object.entries(answer.headers ?? {})) response.setHeader(name, value);
  response.end(answer.body ?? "");
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
