import { randomInt } from "node:crypto";
import { createServer } from "node:net";

/** Below the ports that systems give to outgoing connections: there one could be taken between here and its use. */
const lowest = 15_000;
const highest = 32_000;
const triesMax = 200;

interface Held {
  port: number;
  release: () => Promise<void>;
}

/** Ports of 127.0.0.1 that are free now, drawn at random. All are held until each is found, so no two are the same. */
export async function freePorts(count: number): Promise<number[]> {
  const held = await Promise.all(Array.from({ length: count }, hold));
  await Promise.all(held.map(({ release }) => release()));
  return held.map(({ port }) => port);
}

async function hold(): Promise<Held> {
  for (let tried = 1; ; tried++) {
    try {
      return await holdAt(randomInt(lowest, highest));
    } catch (error) {
      if (tried === triesMax) throw new Error(`no port from ${lowest} to ${highest} is free`, { cause: error });
    }
  }
}

function holdAt(port: number): Promise<Held> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen(port, "127.0.0.1", () =>
      resolve({ port, release: () => new Promise((done) => server.close(() => done())) }),
    );
  });
}
