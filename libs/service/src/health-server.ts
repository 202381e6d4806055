import { once } from "node:events";
import type { Server } from "node:http";
import type { Registry } from "prom-client";

// An import of it would load all that it could export, a WebSocket and what that needs among them: 14 MB, for nobody.
const { createServer } = process.getBuiltinModule("node:http");

/** Why the service isn't ready, or undefined when it is. */
export type WhyNotReady = () => string | undefined;

/** `/healthz` (the event loop turns), `/readyz` (it does its work, else 503 with the reason) and `/metrics`. */
export class HealthServer {
  readonly url: string;
  readonly #server: Server;

  private constructor(server: Server, url: string) {
    this.#server = server;
    this.url = url;
  }

  static async start(options: {
    host: string;
    port: number;
    registry: Registry;
    whyNotReady: WhyNotReady;
  }): Promise<HealthServer> {
    const server = createServer((request, response) => {
      const answer = (status: number, body: string, type = "application/json") =>
        response.writeHead(status, { "content-type": type }).end(body);
      const path = request.url?.split("?")[0];
      if (path === "/healthz") answer(200, `{"alive":true}`);
      else if (path === "/readyz") {
        const why = options.whyNotReady();
        answer(why === undefined ? 200 : 503, JSON.stringify({ ready: why === undefined, why }));
      } else if (path === "/metrics") {
        options.registry.metrics().then(
          (text) => answer(200, text, options.registry.contentType),
          (error: unknown) => answer(500, JSON.stringify({ error: String(error) })),
        );
      } else answer(404, `{"error":"there are /healthz, /readyz and /metrics"}`);
    });
    server.listen(options.port, options.host);
    await once(server, "listening");
    const address = server.address();
    const port = typeof address === "object" && address !== null ? address.port : options.port;
    return new HealthServer(server, `http://${options.host}:${port}`);
  }

  async close(): Promise<void> {
    const closed = once(this.#server, "close");
    this.#server.close();
    this.#server.closeAllConnections();
    await closed;
  }
}
