import { NotDone } from "@operator/subject/action";
import type { z } from "zod";
import { PdClient, pdDispatcher } from "./pd-client.ts";
import { PdError } from "./pd-error.ts";
import { exactJson } from "./pd-json.ts";
import { readSettings } from "./settings.ts";
import type { State } from "./state.ts";
import { cluster } from "./targets.ts";

type Environment = Record<string, string | undefined>;

/** A new PD leader says `Disconnected` of every store until that store's next heartbeat, which comes every 10 s. */
const leaderForMsMin = 20_000;
const readWithinMs = 2_000;
const slow = new Set(["TIMEOUT", "UND_ERR_CONNECT_TIMEOUT"]);
/** A write is answered at once, or its connection hangs. */
const writeWithinMs = 5_000;

/** Reads PD, and changes it under one name in PD's audit log. */
export class PdWriter {
  readonly #client: PdClient;
  readonly #callerId: string;
  readonly signal: AbortSignal;
  #mayHaveWritten = false;

  constructor(client: PdClient, callerId: string, signal: AbortSignal) {
    this.#client = client;
    this.#callerId = callerId;
    this.signal = signal;
  }

  /** Whether any write was accepted, or sent without an answer. */
  get mayHaveWritten(): boolean {
    return this.#mayHaveWritten;
  }

  /** Throws a PdError. The client goes on to another member soon; where all of them are only slow they're asked again. */
  async read<Schema extends z.ZodType>(path: string, schema: Schema): Promise<z.infer<Schema>> {
    const untilMs = performance.now() + readWithinMs;
    for (;;) {
      try {
        return await this.#client.get(path, schema, this.signal);
      } catch (error) {
        const isSlow = error instanceof PdError && slow.has(error.code) && !this.signal.aborted;
        if (!isSlow || performance.now() > untilMs) throw error;
      }
    }
  }

  /** An id in the body is a bigint. Throws a PdError, whose `isUnknown` says whether it may be done. */
  async write(method: "POST" | "DELETE", path: string, body?: Parameters<typeof exactJson>[0]): Promise<void> {
    const signal = AbortSignal.any([this.signal, AbortSignal.timeout(writeWithinMs)]);
    const text = body === undefined ? undefined : exactJson(body);
    try {
      await this.#client.send(method, path, text, { callerId: this.#callerId, signal });
      this.#mayHaveWritten = true;
    } catch (error) {
      if (!(error instanceof PdError) || error.isUnknown) this.#mayHaveWritten = true;
      throw error;
    }
  }
}

/** Lends work a writer, e.g. as the caller `operator/drain_store`, and closes its connections. */
export async function withPd<Result>(
  { callerId, environment, signal }: { callerId: string; environment: Environment; signal: AbortSignal },
  work: (pd: PdWriter) => Promise<Result>,
): Promise<Result> {
  const dispatcher = pdDispatcher();
  try {
    const client = new PdClient(readSettings(environment).TIKV_PD_ENDPOINTS, dispatcher);
    return await work(new PdWriter(client, callerId, signal));
  } finally {
    await dispatcher.destroy();
  }
}

/** While something is followed: undefined where no member could say just then, so that it's asked again later. */
export async function unlessAway<Answer>(read: Promise<Answer>): Promise<Answer | undefined> {
  try {
    return await read;
  } catch (error) {
    if (error instanceof PdError && error.isOfMember) return undefined;
    throw error;
  }
}

/**
 * An action's work, on a state whose words on stores count. Throws NotDone with `PD_LEADER_NEW` before anything is asked;
 * and with `PD_REFUSED` or `PD_UNREACHABLE` where it's certain that PD took no change.
 */
export async function actOnPd<Result>(
  given: { action: string; state: State; environment: Environment; signal: AbortSignal },
  work: (pd: PdWriter) => Promise<Result>,
): Promise<Result> {
  const { leader, leaderSinceMs = Infinity } = given.state.members?.[cluster] ?? {};
  const forMs = Date.now() - leaderSinceMs;
  if (!(forMs >= leaderForMsMin)) {
    const since = Number.isFinite(forMs) ? `for ${Math.round(forMs / 1_000)} s` : "since nobody knows when";
    const message = `${leader ?? "no PD member"} has led ${since}: what PD says of stores counts ${leaderForMsMin / 1_000} s after a change of leader`;
    throw new NotDone("PD_LEADER_NEW", message);
  }
  return await writeToPd(given, async (pd) => {
    try {
      return await work(pd);
    } catch (error) {
      if (!(error instanceof PdError) || pd.mayHaveWritten) throw error;
      throw new NotDone(error.status === undefined ? "PD_UNREACHABLE" : "PD_REFUSED", error.message);
    }
  });
}

/** As `actOnPd`, whatever the state is: an undo. */
export async function writeToPd<Result>(
  { action, environment, signal }: { action: string; environment: Environment; signal: AbortSignal },
  work: (pd: PdWriter) => Promise<Result>,
): Promise<Result> {
  return await withPd({ callerId: `operator/${action}`, environment, signal }, work);
}
