import { Agent, request } from "undici";
import type { z } from "zod";
import { decodeJson } from "./exact-json.ts";

/** Whether the other side answered, refused the connection, or let the time pass. */
export type Told<T> = { kind: "answer"; status: number; body: T } | { kind: "refused" } | { kind: "silent" };

/** Between the simulator's processes: a message to `url` and its answer, within `withinMs`. Never throws. */
export async function tell<T>(
  agent: Agent,
  url: string,
  message: unknown,
  answer: z.ZodType<T>,
  withinMs: number,
): Promise<Told<T>> {
  try {
    const response = await request(url, {
      dispatcher: agent,
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(message),
      signal: AbortSignal.timeout(withinMs),
    });
    const body = await response.body.text();
    const read = answer.safeParse(decodeJson(body));
    return read.success ? { kind: "answer", status: response.statusCode, body: read.data } : { kind: "refused" };
  } catch (error) {
    return { kind: isTimeout(error) ? "silent" : "refused" };
  }
}

/** Connections between the simulator's processes. */
export function createAgent(): Agent {
  return new Agent({ connect: { timeout: 2_000 }, keepAliveTimeout: 30_000, headersTimeout: 0, bodyTimeout: 0 });
}

function isTimeout(error: unknown): boolean {
  return error instanceof Error && /Timeout|Abort/.test(error.name);
}
