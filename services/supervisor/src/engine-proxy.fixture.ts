import { once } from "node:events";
import { createServer, type IncomingMessage, request, type Server, type ServerResponse } from "node:http";

/** How it treats who asks: as the engine does; not at all; with the beginning of an answer and its end. */
type Manner = "forwards" | "is silent" | "breaks off";

/** A socket before the engine's, which can be cut while the engine lives on. Keeps what was asked. */
export class EngineProxy implements AsyncDisposable {
  readonly socketPath: string;
  /** `<method> <path>` of each request. */
  readonly asked: string[] = [];
  manner: Manner = "forwards";
  /** A status with which a request is refused instead of forwarded. */
  refuses: (asked: string) => number | undefined = () => undefined;
  /** What happens when the engine has answered, before its answer is passed on. */
  after: (asked: string) => Promise<void> = async () => {};
  readonly #engineSocket: string;
  #server: Server | undefined;

  constructor(socketPath: string, engineSocket: string) {
    this.socketPath = socketPath;
    this.#engineSocket = engineSocket;
  }

  async open(): Promise<void> {
    this.#server = createServer((asked, answer) => this.#answer(asked, answer)).listen(this.socketPath);
    await once(this.#server, "listening");
  }

  /** As when the engine dies: connections are reset, and its socket is gone. */
  async cut(): Promise<void> {
    if (!this.#server) return;
    const closed = once(this.#server, "close");
    this.#server.close();
    this.#server.closeAllConnections();
    await closed;
    this.#server = undefined;
  }

  #answer(asked: IncomingMessage, answer: ServerResponse): void {
    const what = `${asked.method} ${asked.url}`;
    this.asked.push(what);
    if (this.manner === "is silent") return;
    if (this.manner === "breaks off") {
      answer.writeHead(200, { "content-type": "application/json", "content-length": 1_000 });
      answer.write("[{", () => answer.destroy());
      return;
    }
    const status = this.refuses(what);
    if (status !== undefined) {
      answer.writeHead(status, { "content-type": "application/json" }).end(`{"message":"refused by the proxy"}`);
      return;
    }
    const { method, url: path, headers } = asked;
    const forwarded = request({ socketPath: this.#engineSocket, method, path, headers }, async (from) => {
      await this.after(what);
      answer.writeHead(from.statusCode ?? 500, from.headers);
      from.pipe(answer);
    });
    forwarded.on("error", () => answer.destroy());
    asked.pipe(forwarded);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.cut();
  }
}
