import { createServer, connect, type Socket } from "node:net";

/** A real TCP hop between two programs that can be cut or slowed: on 127.0.0.1, bytes unchanged. */
export interface Proxy extends AsyncDisposable {
  port: number;
  /** Breaks every connection and refuses new ones, until `mend`. */
  cut: () => Promise<void>;
  mend: () => Promise<void>;
  /** New connections lead to this port of 127.0.0.1. */
  towards: number;
  /** Each chunk towards the target waits so long; 0 for none. */
  delayMs: number;
  /** Connections whose first bytes contain this text are broken; undefined lets all through. */
  refuses: string | undefined;
}

/** Opens a proxy on this free port to `targetPort` of 127.0.0.1. */
export async function openProxy(port: number, targetPort: number): Promise<Proxy> {
  const sockets = new Set<Socket>();
  const server = createServer((client) => {
    const target = connect({ port: proxy.towards, host: "127.0.0.1" });
    for (const [socket, other] of [
      [client, target],
      [target, client],
    ] as const) {
      sockets.add(socket);
      socket.on("error", () => {});
      socket.on("close", () => {
        sockets.delete(socket);
        other.destroy();
      });
    }
    client.on("data", (chunk) => {
      if (proxy.refuses !== undefined && chunk.includes(proxy.refuses)) client.resetAndDestroy();
      else if (proxy.delayMs > 0) setTimeout(() => target.write(chunk), proxy.delayMs);
      else target.write(chunk);
    });
    target.on("data", (chunk) => client.write(chunk));
  });
  const listen = () =>
    new Promise<void>((resolve, reject) => server.once("error", reject).listen(port, "127.0.0.1", () => resolve()));
  const close = () =>
    new Promise<void>((resolve) => {
      server.close(() => resolve());
      for (const socket of sockets) socket.destroy();
    });
  const proxy: Proxy = {
    port,
    towards: targetPort,
    delayMs: 0,
    refuses: undefined,
    cut: close,
    mend: listen,
    [Symbol.asyncDispose]: async () => {
      if (server.listening) await close();
    },
  };
  await listen();
  return proxy;
}
