import { randomInt } from "node:crypto";
import { createServer } from "node:net";

/** Below the ports that systems give to outgoing connections: there one could be taken between here and its use. */
const lowest = 15_000;
const highest = 32_000;
const triesMax = 200;
/** A program that was given a port listens by then. */
const reservedMs = 30_000;

interface Held {
  port: number;
  release: () => Promise<void>;
}

/**
 * Ports of 127.0.0.1 that are free now, drawn at random. All are held until each is found, so no two are the same; and for a
 * while after, until whoever they are for listens, no other process of this machine is given them (on Linux).
 */
export async function freePorts(count: number): Promise<number[]> {
  const held = await Promise.all(Array.from({ length: count }, hold));
  await Promise.all(held.map(({ release }) => release()));
  return held.map(({ port }) => port);
}

async function hold(): Promise<Held> {
  for (let tried = 1; ; tried++) {
    try {
      const port = randomInt(lowest, highest);
      await reserve(port);
      return await holdAt(port);
    } catch (error) {
      if (tried === triesMax) throw new Error(`no port from ${lowest} to ${highest} is free`, { cause: error });
    }
  }
}

/** Rejects while another process has reserved it. A name that only the kernel knows, and forgets with its process. */
async function reserve(port: number): Promise<void> {
  if (process.platform !== "linux") return;
  const reservation = createServer();
  await new Promise<void>((resolve, reject) => {
    reservation.once("error", reject);
    reservation.listen(`\0operator-port-${port}`, resolve);
  });
  reservation.unref();
  setTimeout(() => reservation.close(), reservedMs).unref();
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
