import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";

/** Between a client and a server, and loses the answer to the next request that says a word: the request itself arrives. */
export class CuttingProxy implements AsyncDisposable {
  readonly url: string;
  readonly #server;
  readonly #sockets = new Set<Socket>();
  #loseAnswerTo: string | undefined;
  #done: (() => void) | undefined;

  private constructor(server: ReturnType<typeof createServer>, port: number) {
    this.#server = server;
    this.url = `nats://127.0.0.1:${port}`;
  }

  static async start(toPort: number): Promise<CuttingProxy> {
    const server = createServer();
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const address = server.address();
    if (address === null || typeof address === "string") throw new Error("no port was given");
    const proxy = new CuttingProxy(server, address.port);
    server.on("connection", (client) => proxy.#join(client, toPort));
    return proxy;
  }

  /** Resolves when an answer was lost: the request reached the server, and the connection is cut. */
  loseAnswerTo(word: string): Promise<void> {
    this.#loseAnswerTo = word;
    return new Promise((resolve) => (this.#done = resolve));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
    await once(this.#server, "close");
  }

  #join(client: Socket, toPort: number): void {
    const upstream = connect(toPort, "127.0.0.1");
    let losing = false;
    for (const socket of [client, upstream]) {
      this.#sockets.add(socket);
      socket.setNoDelay(true);
      socket.on("error", () => socket.destroy());
    }
    client.on("close", () => upstream.destroy());
    upstream.on("close", () => client.destroy());
    client.on("data", (bytes) => {
      if (this.#loseAnswerTo !== undefined && bytes.includes(this.#loseAnswerTo)) {
        this.#loseAnswerTo = undefined;
        losing = true;
      }
      upstream.write(bytes);
    });
    upstream.on("data", (bytes) => {
      if (!losing) {
        client.write(bytes);
        return;
      }
      // The server has answered, so it has done what it was asked.
      client.destroy();
      upstream.destroy();
      this.#done?.();
    });
  }
}
