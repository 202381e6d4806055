import { EventEmitter, once } from "node:events";
import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from "node:http";
import { json } from "node:stream/consumers";
import { z } from "zod";
import { type Body, readRequest, ToolResult } from "./messages-api-rules.fixture.ts";

const key = "test-key-of-nobody";

/** What the server does with a request. */
export type Turn =
  | { text: string; stop?: string; category?: string; usage?: Partial<Usage> }
  /** Calls of tools, all in one message. */
  | { calls: { name: string; input: unknown }[]; usage?: Partial<Usage> }
  | { status: number; type?: string; code?: string; headers?: Record<string, string> }
  /** `reset`, `hang`: before a word; the others: in the midst of an answer. */
  | { fault: "reset" | "hang" | "cut" | "stall" | "overloaded" };

interface Usage {
  input_tokens: number;
  output_tokens: number;
  cache_read_input_tokens: number;
  cache_creation_input_tokens: number;
}

export interface Recorded {
  headers: IncomingHttpHeaders;
  body: Body;
}

/** A local Messages API: answers by script, as JSON or as server-sent events, and refuses what the real one would. */
export class MessagesApi implements AsyncDisposable {
  readonly key = key;
  /** Those that the API would have read. */
  readonly requests: Recorded[] = [];
  /** Why it refused the others: none, unless a test wants one. */
  readonly refused: string[] = [];
  readonly #server: Server;
  readonly #answered: unknown[] = [];
  readonly #asked = new EventEmitter();
  #script: (request: Recorded, n: number) => Turn;

  private constructor(server: Server, script: (request: Recorded, n: number) => Turn) {
    this.#server = server;
    this.#script = script;
    server.on("request", (request, response) => {
      this.#serve(request, response).catch((error: unknown) =>
        response.destroy(error instanceof Error ? error : undefined),
      );
    });
  }

  static async start(script: (request: Recorded, n: number) => Turn): Promise<MessagesApi> {
    const server = createServer();
    const api = new MessagesApi(server, script);
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    return api;
  }

  get url(): string {
    const address = this.#server.address();
    if (address === null || typeof address === "string") throw new Error("the Messages API isn't listening");
    return `http://127.0.0.1:${address.port}`;
  }

  /** Resolves when so many requests have come. */
  async asked(count: number): Promise<void> {
    while (this.requests.length < count) await once(this.#asked, "request", { signal: AbortSignal.timeout(20_000) });
  }

  /** What the user said last in a request, and before. */
  said(n: number): string[] {
    return (this.requests[n]?.body.messages ?? []).map(({ content }) =>
      typeof content === "string" ? content : JSON.stringify(content),
    );
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body: unknown = await json(request);
    const { headers, method, url } = request;
    if (headers.authorization !== `Bearer ${key}`) return fail(response, { status: 401, type: "authentication_error" });
    if (method !== "POST" || url !== "/v1/messages") return fail(response, { status: 404, type: "not_found_error" });
    const read = headers["anthropic-version"] ? readRequest(body, this.#answered) : { refused: "no anthropic-version" };
    if ("refused" in read) {
      this.refused.push(read.refused);
      return fail(response, { status: 400, type: "invalid_request_error", message: read.refused });
    }
    const recorded = { headers, body: read.body };
    this.requests.push(recorded);
    this.#asked.emit("request");
    const turn = this.#script(recorded, this.requests.length - 1);
    if ("status" in turn) return fail(response, turn);
    if ("fault" in turn && turn.fault === "hang") return;
    if ("fault" in turn && turn.fault === "reset") return void request.socket.destroy();
    const message = messageOf(turn, read.body.model, this.requests.length);
    this.#answered.push(message.content);
    if (read.body.stream) stream(response, message, turn);
    else response.setHeader("content-type", "application/json").end(JSON.stringify(message));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

type Message = ReturnType<typeof messageOf>;

type Block = { type: "text"; text: string } | { type: "tool_use"; id: string; name: string; input: unknown };

function messageOf(turn: Turn, model: string, n: number) {
  const { text, stop, category, usage } = "text" in turn ? turn : { ...usageOf(turn), text: '{"verdict":"fau' };
  const said: Block[] =
    "calls" in turn
      ? turn.calls.map(({ name, input }, at) => ({ type: "tool_use", id: `call_${n}_${at}`, name, input }))
      : [{ type: "text", text }];
  return {
    id: `msg_${n}`,
    type: "message",
    role: "assistant",
    model,
    content: [{ type: "thinking" as const, thinking: "", signature: `signature-${n}` }, ...said],
    stop_reason: stop ?? ("calls" in turn ? "tool_use" : "end_turn"),
    stop_sequence: null,
    stop_details: category === undefined ? null : { type: "refusal", category, explanation: null },
    usage: {
      input_tokens: 900,
      output_tokens: 300,
      cache_read_input_tokens: 0,
      cache_creation_input_tokens: 0,
      ...usage,
    },
  };
}

function usageOf(turn: Turn): { usage?: Partial<Usage>; stop?: string; category?: string } {
  return "calls" in turn && turn.usage ? { usage: turn.usage } : {};
}

function stream(response: ServerResponse, message: Message, turn: Turn): void {
  const fault = "fault" in turn ? turn.fault : undefined;
  const send = (type: string, fields: object) =>
    response.write(`event: ${type}\ndata: ${JSON.stringify({ type, ...fields })}\n\n`);
  response.writeHead(200, { "content-type": "text/event-stream", "request-id": message.id });
  const { content, usage, stop_reason, stop_details } = message;
  send("message_start", {
    message: { ...message, content: [], stop_reason: null, stop_details: null, usage: { ...usage, output_tokens: 1 } },
  });
  send("ping", {});
  for (const [index, block] of content.entries()) {
    const { empty, deltas } = partsOf(block);
    send("content_block_start", { index, content_block: { ...block, ...empty } });
    for (const delta of deltas) send("content_block_delta", { index, delta });
    if (index > 0 && fault === "stall") return;
    if (index > 0 && fault === "cut") return void setImmediate(() => response.destroy());
    if (index > 0 && fault === "overloaded") {
      send("error", { error: { type: "overloaded_error", message: "Overloaded" } });
      return void response.end();
    }
    send("content_block_stop", { index });
  }
  send("message_delta", {
    delta: { stop_reason, stop_sequence: null, stop_details },
    usage: { output_tokens: usage.output_tokens },
  });
  send("message_stop", {});
  response.end();
}

/** How a block begins, and what fills it. */
function partsOf(block: Message["content"][number]): { empty: object; deltas: object[] } {
  const cut = (text: string) => [...text.matchAll(/[\s\S]{1,50}/g)].map(([part]) => part);
  if (block.type === "thinking") {
    return { empty: { signature: "" }, deltas: [{ type: "signature_delta", signature: block.signature }] };
  }
  if (block.type === "text") {
    return { empty: { text: "" }, deltas: cut(block.text).map((text) => ({ type: "text_delta", text })) };
  }
  const parts = cut(JSON.stringify(block.input));
  return { empty: { input: {} }, deltas: parts.map((part) => ({ type: "input_json_delta", partial_json: part })) };
}

function fail(
  response: ServerResponse,
  failure: { status: number; type?: string; code?: string; message?: string; headers?: Record<string, string> },
): void {
  const { status, type = "api_error", code, message = `answered ${status}`, headers } = failure;
  const error = { type, message, ...(code === undefined ? {} : { details: { error_code: code } }) };
  response.writeHead(status, { "content-type": "application/json", "request-id": "req_test", ...headers });
  response.end(JSON.stringify({ type: "error", error, request_id: "req_test" }));
}

/** The facts that a request shows, by pointer and snapshot, as a model would find them. */
export function factsIn({ body }: Recorded): { id: string; snapshot: string; pointer: string; quote: string }[] {
  const Fact = z.object({ id: z.string(), snapshot: z.string(), pointer: z.string(), quote: z.string() });
  return [...textOf(body).matchAll(/^\{"id":"E\d+","snapshot".*$/gm)].map(([line]) => Fact.parse(JSON.parse(line)));
}

/** The lines of logs that a request shows. */
export function logLinesIn({ body }: Recorded): { id: string; target: string; time: string; quote: string }[] {
  const Line = z.object({ id: z.string(), target: z.string(), time: z.string(), quote: z.string() });
  return [...textOf(body).matchAll(/^\{"id":"E\d+","target".*$/gm)].map(([line]) => Line.parse(JSON.parse(line)));
}

/** What a request says of the calls before it: each result, with the facts in it. */
export function resultsIn({ body }: Recorded) {
  const Fact = z.object({ id: z.string(), pointer: z.string(), quote: z.string() });
  const last = body.messages.at(-1)?.content ?? [];
  return (typeof last === "string" ? [] : last)
    .flatMap((block) => ToolResult.safeParse(block).data ?? [])
    .map(({ tool_use_id: call, is_error: isError, content }) => {
      const lines = [...content.matchAll(/^\{"id":"E\d+","pointer".*$/gm)].map(([line]) =>
        Fact.parse(JSON.parse(line)),
      );
      return { call, isError: isError === true, content, facts: lines };
    });
}

function textOf({ messages: [first] }: Recorded["body"]): string {
  return typeof first?.content === "string" ? first.content : "";
}
