import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";

/** Between a client and a server, and cuts the connection at the next request that says a word: before it arrives, or before its answer does. */
export class CuttingProxy implements AsyncDisposable {
  readonly url: string;
  readonly #server;
  readonly #sockets = new Set<Socket>();
  #cut: { word: string; lose: "request" | "answer" } | undefined;
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
    return this.#lose(word, "answer");
  }

  /** Resolves when a request was lost: the server never heard of it, and the connection is cut. */
  loseRequest(word: string): Promise<void> {
    return this.#lose(word, "request");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
    await once(this.#server, "close");
  }

  #lose(word: string, lose: "request" | "answer"): Promise<void> {
    this.#cut = { word, lose };
    return new Promise((resolve) => (this.#done = resolve));
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
    const cut = () => {
      client.destroy();
      upstream.destroy();
      this.#done?.();
    };
    client.on("data", (bytes) => {
      if (this.#cut !== undefined && bytes.includes(this.#cut.word)) {
        const { lose } = this.#cut;
        this.#cut = undefined;
        if (lose === "request") return cut();
        losing = true;
      }
      upstream.write(bytes);
    });
    // Once the server has answered, it has done what it was asked.
    upstream.on("data", (bytes) => (losing ? cut() : client.write(bytes)));
  }
}
