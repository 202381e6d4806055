import { Agent, type Dispatcher, request } from "undici";
import { z } from "zod";
import { errorIn, PdError } from "./pd-error.ts";
import { parsePdJson } from "./pd-json.ts";

/** No sane cluster has more members; more aren't asked. */
const endpointsMax = 16;
/** A member that is paused accepts connections and answers nothing: so long, then another is asked. */
const attemptMs = 400;
const answerBytesMax = 16_777_216;

/** A pool for PD's members: a few connections to each, so that a slow answer doesn't hold up the others. */
export function pdDispatcher(): Agent {
  return new Agent({ connections: 4, pipelining: 1, connect: { timeout: attemptMs }, maxResponseSize: answerBytesMax });
}

/** PD by HTTP through any of its members: each passes on to the leader what only that one knows. */
export class PdClient {
  readonly #dispatcher: Dispatcher;
  readonly #endpoints: string[] = [];
  /** The member that answered last; the next request goes there first. */
  #preferred = 0;

  /** The dispatcher is its giver's to close. */
  constructor(endpoints: readonly { url: string }[], dispatcher: Dispatcher) {
    this.#dispatcher = dispatcher;
    this.learn(endpoints.map(({ url }) => url));
  }

  /** Adds addresses, like `http://127.0.0.1:2379`, of members that PD lists; none is forgotten, as one that was removed may be the only one that a person named. */
  learn(endpoints: readonly string[]): void {
    const isNew = (url: string) => /^https?:\/\//.test(url) && !this.#endpoints.includes(url);
    this.#endpoints.push(...endpoints.filter(isNew).slice(0, endpointsMax - this.#endpoints.length));
  }

  /**
   * Reads a path, e.g. `/pd/api/v1/stores`, from the first member that can say, each within 400 ms. Throws a PdError: in
   * PD's own words if any member had some.
   */
  async get<Schema extends z.ZodType>(path: string, schema: Schema, signal: AbortSignal): Promise<z.infer<Schema>> {
    return await this.#first(
      (endpoint) => this.ask(endpoint, path, schema, AbortSignal.any([signal, AbortSignal.timeout(attemptMs)])),
      (error) => error.isOfMember,
    );
  }

  /** Reads a path from this member and no other. Throws a PdError. */
  async ask<Schema extends z.ZodType>(
    endpoint: string,
    path: string,
    schema: Schema,
    signal: AbortSignal,
  ): Promise<z.infer<Schema>> {
    const text = await this.#exchange(endpoint, path, { method: "GET", signal });
    const read = schema.safeParse(jsonOr(text, undefined));
    if (read.success) return read.data;
    const message = `GET ${endpoint}${path} isn't what PD answers: ${z.prettifyError(read.error)}`;
    throw new PdError({ code: "PD_ANSWER", status: 200, endpoint, message: message.slice(0, messageMax) });
  }

  /**
   * Changes something, as `callerId` in PD's audit log, within the signal's time. Another member is asked only when the one
   * before certainly didn't pass it on. Returns PD's answer, text where it's no JSON; throws a PdError, `isUnknown` where
   * the change may have been made all the same.
   */
  async send(
    method: "POST" | "DELETE",
    path: string,
    /** JSON, for its ids are longer than a JS number (see `exactJson`). */
    body: string | undefined,
    { callerId, signal }: { callerId: string; signal: AbortSignal },
  ): Promise<unknown> {
    const headers = { "x-caller-id": callerId, ...(body !== undefined && { "content-type": "application/json" }) };
    return await this.#first(
      async (endpoint) => {
        const text = await this.#exchange(endpoint, path, { method, headers, body: body ?? null, signal });
        return jsonOr(text, text);
      },
      (error) => error.isOfMember && !error.isUnknown,
    );
  }

  async #first<Answer>(attempt: (endpoint: string) => Promise<Answer>, goesOn: (error: PdError) => boolean) {
    let told: PdError | undefined;
    const from = this.#preferred;
    for (const step of this.#endpoints.keys()) {
      const at = (from + step) % this.#endpoints.length;
      try {
        const answer = await attempt(this.#endpoints[at] ?? "");
        this.#preferred = at;
        return answer;
      } catch (error) {
        if (!(error instanceof PdError)) throw error;
        // What a member says of the cluster is worth more than that another one wasn't reached.
        if (told?.status === undefined || error.status !== undefined) told = error;
        if (!goesOn(error)) break;
      }
    }
    throw told ?? new Error("no member of PD is known");
  }

  /** The text of an answer with status 200; else a PdError. */
  async #exchange(
    endpoint: string,
    path: string,
    options: {
      method: Dispatcher.HttpMethod;
      signal: AbortSignal;
      headers?: Record<string, string>;
      body?: string | null;
    },
  ): Promise<string> {
    const what = `${options.method} ${endpoint}${path}`;
    let answered: { status: number; text: string };
    try {
      const { statusCode, body } = await request(`${endpoint}${path}`, { dispatcher: this.#dispatcher, ...options });
      answered = { status: statusCode, text: await body.text() };
    } catch (error) {
      const { code, message } = failureOf(error, options.signal);
      throw new PdError({ code, endpoint, message: `${what} failed: ${message}` });
    }
    const { status, text } = answered;
    if (status === 200) return text;
    const { code, words } = errorIn(status, text);
    throw new PdError({ code, status, endpoint, message: `${what} answered ${status}: ${words}` });
  }
}

/** Longer ones aren't kept in a snapshot. */
const messageMax = 500;

function jsonOr(text: string, otherwise: unknown): unknown {
  try {
    return parsePdJson(text);
  } catch {
    return otherwise;
  }
}

function failureOf(error: unknown, signal: AbortSignal): { code: string; message: string } {
  if (signal.aborted) return { code: "TIMEOUT", message: "no answer in time" };
  const why = error instanceof Error ? error : new Error(String(error));
  const code = "code" in why && typeof why.code === "string" ? why.code : why.name;
  return { code, message: why.message === "" ? code : why.message };
}
