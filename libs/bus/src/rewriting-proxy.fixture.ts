import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";

/** Between a client and a server, and rewrites what the server says: a server of another version, as far as a client can tell. */
export class RewritingProxy implements AsyncDisposable {
  readonly url: string;
  readonly #server;
  readonly #sockets = new Set<Socket>();

  private constructor(server: ReturnType<typeof createServer>, port: number) {
    this.#server = server;
    this.url = `nats://127.0.0.1:${port}`;
  }

  /** `rewrite` is given what came at once, one character for each byte. An answer's length must stay, as it was said before. */
  static async start(toPort: number, rewrite: (said: string) => string): Promise<RewritingProxy> {
    const server = createServer();
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const address = server.address();
    if (address === null || typeof address === "string") throw new Error("no port was given");
    const proxy = new RewritingProxy(server, address.port);
    server.on("connection", (client) => {
      const upstream = connect(toPort, "127.0.0.1");
      for (const [from, to] of [
        [client, upstream],
        [upstream, client],
      ] as const) {
        proxy.#sockets.add(from);
        from.on("error", () => from.destroy());
        from.on("close", () => to.destroy());
      }
      client.on("data", (bytes) => upstream.write(bytes));
      upstream.on("data", (bytes) => client.write(Buffer.from(rewrite(bytes.toString("latin1")), "latin1")));
    });
    return proxy;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
    await once(this.#server, "close");
  }
}
