import { once } from "node:events";
import { readFileSync } from "node:fs";
import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type RequestListener,
  type ServerResponse,
} from "node:http";
import { join } from "node:path";
import { text } from "node:stream/consumers";

/** An answer that a real PD or TiKV gave. */
export interface Recorded {
  method: string;
  /** With its query, e.g. `/pd/api/v1/stores`. */
  path: string;
  requestBody?: string;
  status: number;
  contentType: string;
  body: string;
}

/** Reads `recordings/<name>.txt`: a few lines that begin with `# `, then the body. */
export function recorded(name: string): Recorded {
  const lines = readFileSync(join(import.meta.dirname, "recordings", `${name}.txt`), "utf8").split("\n");
  const first = lines.findIndex((line) => !line.startsWith("# "));
  const head = lines.slice(0, first).map((line) => line.slice(2));
  const [, method = "", url = ""] = /^(GET|POST|DELETE) (\S+)/.exec(head[0] ?? "") ?? [];
  const after = (name: string) => head.find((line) => line.startsWith(name))?.slice(name.length);
  const requestBody = after("request body: ");
  const { pathname, search } = new URL(url);
  return {
    method,
    path: `${pathname}${search}`,
    ...(requestBody !== undefined && { requestBody }),
    status: Number(after("HTTP ")),
    contentType: after("Content-Type: ") ?? "",
    body: lines.slice(first).join("\n").trim(),
  };
}

/** What a server was asked, in order. */
interface Asked {
  method: string;
  path: string;
  headers: IncomingHttpHeaders;
  body: string;
}

/** A local HTTP server; its address, and what it was asked. */
export interface Serving extends AsyncDisposable {
  url: string;
  asked: Asked[];
}

/** Answers with these recordings, by method and path; any other path is PD's 404. `answers` may be changed as it goes. */
export function serveRecorded(answers: Recorded[]): Promise<Serving> {
  return serve((request, response) => {
    const found = answers.find(({ method, path }) => method === request.method && path === request.url);
    response.writeHead(found?.status ?? 404, { "content-type": found?.contentType ?? "text/plain; charset=utf-8" });
    response.end(found?.body ?? "404 page not found\n");
  });
}

export async function serve(listener: RequestListener, port = 0): Promise<Serving> {
  const asked: Asked[] = [];
  const answer = async (request: IncomingMessage, response: ServerResponse) => {
    try {
      const body = await text(request);
      asked.push({ method: request.method ?? "", path: request.url ?? "", headers: request.headers, body });
      listener(request, response);
    } catch {
      response.destroy();
    }
  };
  const server = createServer((request, response) => void answer(request, response)).listen(port, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port was given");
  return {
    url: `http://127.0.0.1:${address.port}`,
    asked,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}
