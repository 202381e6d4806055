import { createServer } from "node:net";

/** Ports of 127.0.0.1 that are free now. All are held until each is found, so no two are the same. */
export async function freePorts(count: number): Promise<number[]> {
  const held = await Promise.all(
    Array.from(
      { length: count },
      () =>
        new Promise<{ port: number; release: () => Promise<void> }>((resolve, reject) => {
          const server = createServer();
          server.once("error", reject);
          server.listen(0, "127.0.0.1", () => {
            const address = server.address();
            if (address === null || typeof address === "string") return reject(new Error("no port was given"));
            resolve({ port: address.port, release: () => new Promise((done) => server.close(() => done())) });
          });
        }),
    ),
  );
  await Promise.all(held.map(({ release }) => release()));
  return held.map(({ port }) => port);
}
