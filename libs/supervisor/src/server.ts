import { once } from "node:events";
import { chmodSync, mkdirSync, rmSync } from "node:fs";
import { createServer, type Server } from "node:http";
import { connect } from "node:net";
import { join } from "node:path";
import { type ClientKind, listenerFor } from "./listener.ts";
import type { Driver } from "./driver.ts";
import { Supervision } from "./supervision.ts";
import { quoted, SupervisorError } from "./supervisor-error.ts";
import { within } from "./within.ts";

/**
 * Where clients find their sockets: in a folder of the supervisor's own, which is made and closed to other users; or each in
 * a folder of its own that is there, e.g. a volume, open to whoever can reach that folder.
 */
type Place = { folder: string } | { sockets: Record<ClientKind, string> };

export type SupervisorOptions = Place & SupervisorLimits & { driver: Driver };

interface SupervisorLimits {
  /** Where the faults that run are kept, so that the next supervisor ends them when this one is killed; nowhere unless told. */
  faultsFile?: string;
  /** The driver lists the members within this time; 4 s unless told. */
  listWithinMs?: number;
  /** An answer comes within this time, even when the operation goes on; 25 s unless told. */
  answerWithinMs?: number;
  /** What failed is reverted, and a revert that failed tried again, after so long; 1 s unless told. */
  retryMs?: number;
  /** The close waits so long for operations and reverts; 25 s unless told. */
  closeWithinMs?: number;
}

/**
 * The one who may start, stop, kill, pause and cut off members: HTTP with JSON on a Unix socket for each kind of client,
 * `chaos.sock` and `actuator.sock` where there is one folder. Its close reverts the
 * faults that run; when it's killed, the next one ends them, given the file in which they are kept.
 */
export class Supervisor implements AsyncDisposable {
  readonly sockets: Record<ClientKind, string>;
  readonly #supervision: Supervision;
  readonly #socketMode: number;
  readonly #servers: Server[] = [];
  #closed: Promise<void> | undefined;

  private constructor(options: SupervisorOptions) {
    const { driver, faultsFile, ...limits } = options;
    const usual = { listWithinMs: 4_000, answerWithinMs: 25_000, retryMs: 1_000, closeWithinMs: 25_000 };
    this.#supervision = new Supervision(driver, { ...usual, ...limits }, faultsFile);
    if ("sockets" in options) {
      this.sockets = options.sockets;
      this.#socketMode = 0o666;
    } else {
      this.sockets = { chaos: join(options.folder, "chaos.sock"), actuator: join(options.folder, "actuator.sock") };
      this.#socketMode = 0o600;
    }
  }

  /** Listens on both sockets. Throws `SUPERVISOR_RUNNING` when somebody does already, `BAD_FOLDER`, `STATE_UNREADABLE`. */
  static async start(options: SupervisorOptions): Promise<Supervisor> {
    const supervisor = new Supervisor(options);
    if ("folder" in options) {
      mkdirSync(options.folder, { recursive: true });
      chmodSync(options.folder, 0o700);
    }
    try {
      await supervisor.#listen("chaos");
      await supervisor.#listen("actuator");
      return supervisor;
    } catch (error) {
      await supervisor.close();
      throw error;
    }
  }

  async #listen(client: ClientKind): Promise<void> {
    const path = this.sockets[client];
    await makeFree(path);
    const server = createServer(
      { maxHeaderSize: 8 * 1024, headersTimeout: 5_000, requestTimeout: 10_000, keepAliveTimeout: 5_000 },
      listenerFor(client, this.#supervision),
    );
    server.maxConnections = 64;
    server.listen(path);
    try {
      await once(server, "listening");
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      const what = `no socket can be made at ${quoted(path)}: is its folder there, and open to this user? ${why}`;
      throw new SupervisorError("BAD_FOLDER", what, { cause: error });
    }
    this.#servers.push(server);
    chmodSync(path, this.#socketMode);
  }

  /** Begins nothing more, reverts every fault, then listens no more. Throws `DRIVER_FAILED` with what wasn't reverted. */
  close(): Promise<void> {
    this.#closed ??= this.#supervision.close().finally(() => Promise.all(this.#servers.map(closeServer)));
    return this.#closed;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}

/** Removes a socket that a killed predecessor left. */
async function makeFree(path: string): Promise<void> {
  if (Buffer.byteLength(path) > pathBytesMax) {
    throw new SupervisorError(
      "BAD_FOLDER",
      `${quoted(path)} is longer than the ${pathBytesMax} bytes that a socket's path may have: give a shorter folder`,
    );
  }
  const socket = connect(path);
  try {
    await once(socket, "connect");
  } catch {
    rmSync(path, { force: true });
    return;
  } finally {
    socket.destroy();
  }
  throw new SupervisorError("SUPERVISOR_RUNNING", `another supervisor listens on ${quoted(path)}: end it first`);
}

/** The system's `sun_path`, the shorter one of macOS. */
const pathBytesMax = 103;

async function closeServer(server: Server): Promise<void> {
  const closed = once(server, "close");
  server.close();
  // Answers that are being written.
  await within(500, closed, () => []);
  server.closeAllConnections();
}
