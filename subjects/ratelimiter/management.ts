import { Agent, request } from "undici";
import { z } from "zod";
import { readSettings } from "./settings.ts";
import type { State } from "./state.ts";

const connectMs = 1_000;
const answerMs = 3_000;
const answerBytesMax = 2_097_152;

/** What is asked of the nodes' management API. Everything that is may be asked twice. */
export interface ManagementRequest {
  method: "GET" | "PUT" | "POST" | "DELETE";
  /** Below `/v1/manage/`, percent-encoded. */
  path: string;
  body?: unknown;
  /** Refusals that are as good as done, e.g. `limit_unknown` of a deletion. */
  expects?: readonly string[];
}

/** Where the nodes are: what is configured is a person's word and goes before what they say of themselves. */
export function nodeUrls(environment: Record<string, string | undefined>, state?: State): Map<string, string> {
  const nodes = state?.registry?.["cluster"]?.nodes ?? {};
  const said = Object.entries(nodes).flatMap(([id, { url }]) => (url === undefined ? [] : [[id, url] as const]));
  return new Map([...said, ...readSettings(environment).RATELIMITER_NODES]);
}

/**
 * Asks these nodes in turn until one can be reached, and parses its answer. Throws a ManagementFailure: no token in the
 * environment, nobody reached, or what the node refused, in its own words.
 */
export async function manage<Answer>(
  environment: Record<string, string | undefined>,
  urls: Iterable<string>,
  asked: ManagementRequest,
  answer: z.ZodType<Answer>,
  signal: AbortSignal,
): Promise<Answer> {
  const { RATELIMITER_MANAGEMENT_TOKEN: token } = readSettings(environment);
  if (token === undefined) {
    throw new ManagementFailure("TOKEN_MISSING", "set RATELIMITER_MANAGEMENT_TOKEN: the nodes' management token");
  }
  const agent = new Agent({ connect: { timeout: connectMs }, maxResponseSize: answerBytesMax });
  const unreached: string[] = [];
  try {
    for (const url of urls) {
      const reply = await send(url, asked, token, agent, signal).catch((error: unknown) => {
        signal.throwIfAborted();
        unreached.push(`${url}: ${error instanceof Error ? error.message : String(error)}`);
      });
      // 503: this one has no Redis now; another may.
      if (reply?.status === 503) unreached.push(`${url}: 503`);
      else if (reply) return answer.parse(accepted(url, asked, reply));
    }
  } finally {
    await agent.destroy();
  }
  throw new ManagementFailure("MANAGEMENT_UNREACHABLE", `no node answers: ${unreached.join("; ") || "none is known"}`);
}

export class ManagementFailure extends Error {
  override name = "ManagementFailure";
  readonly code: string;
  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}

interface Reply {
  status: number;
  body: unknown;
}

async function send(
  url: string,
  { method, path, body }: ManagementRequest,
  token: string,
  dispatcher: Agent,
  signal: AbortSignal,
): Promise<Reply> {
  const answered = await request(`${url}/v1/manage/${path}`, {
    dispatcher,
    method,
    headers: {
      authorization: `Bearer ${token}`,
      ...(body !== undefined && { "content-type": "application/json" }),
    },
    ...(body !== undefined && { body: JSON.stringify(body) }),
    signal: AbortSignal.any([signal, AbortSignal.timeout(answerMs)]),
  });
  return { status: answered.statusCode, body: await answered.body.json() };
}

const Refusal = z.object({ code: z.string().max(100), message: z.string() });

function accepted(url: string, { method, path, expects = [] }: ManagementRequest, { status, body }: Reply): unknown {
  if (status >= 200 && status < 300) return body;
  const refusal = Refusal.safeParse(body).data;
  if (refusal && expects.includes(refusal.code)) return {};
  const why = refusal ? `${refusal.code}: ${refusal.message.slice(0, 300)}` : "no reason given";
  throw new ManagementFailure("MANAGEMENT_REFUSED", `${method} ${url}/v1/manage/${path} answered ${status}, ${why}`);
}
