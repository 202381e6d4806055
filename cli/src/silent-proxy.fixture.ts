import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";

/** Between a client and a server: once the client has said a word, which the server hears, the client hears nothing any more. */
export class SilentProxy implements AsyncDisposable {
  readonly url: string;
  /** Resolves when the word was said. */
  readonly silent: Promise<void>;
  readonly #server;
  readonly #sockets = new Set<Socket>();

  private constructor(server: ReturnType<typeof createServer>, port: number, silent: Promise<void>) {
    this.#server = server;
    this.url = `nats://127.0.0.1:${port}`;
    this.silent = silent;
  }

  static async start(to: string, word: string): Promise<SilentProxy> {
    const server = createServer();
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const address = server.address();
    if (address === null || typeof address === "string") throw new Error("no port was given");
    const { promise: silent, resolve } = Promise.withResolvers<void>();
    const proxy = new SilentProxy(server, address.port, silent);
    server.on("connection", (client) => {
      const upstream = connect(Number(new URL(to).port), "127.0.0.1");
      for (const socket of [client, upstream]) {
        proxy.#sockets.add(socket);
        socket.on("error", () => socket.destroy());
      }
      client.on("close", () => upstream.destroy());
      let isSilent = false;
      client.on("data", (bytes) => {
        upstream.write(bytes);
        if (!bytes.includes(word)) return;
        isSilent = true;
        resolve();
      });
      upstream.on("data", (bytes) => {
        if (!isSilent) client.write(bytes);
      });
    });
    return proxy;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
    await once(this.#server, "close");
  }
}
