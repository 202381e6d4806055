import { FaultRefused } from "@operator/subject/fault";
import { z } from "zod";

const answerWithinMs = 2_000;

/** What a simulator says where it's asked what is on. */
const Control = z.looseObject({ simulator: z.literal(true) });

/**
 * What a simulator's control shows, e.g. of `http://127.0.0.1:20180/simulator`. Throws FaultRefused with `SIMULATOR_ONLY`
 * where what answers is none, as on a real cluster.
 */
export async function readControl(url: string, signal: AbortSignal): Promise<Record<string, unknown>> {
  const { status, text } = await exchange("GET", url, undefined, signal);
  const control = Control.safeParse(status === 200 ? jsonIn(text) : undefined);
  if (control.success) return control.data;
  const message = `GET ${url} answered ${status}, as no simulator does: on a real cluster this fault can't be made`;
  throw new FaultRefused("SIMULATOR_ONLY", message);
}

/** Switches something on, until its own time is over or it's taken back. */
export async function putControl(url: string, body: object, signal: AbortSignal): Promise<void> {
  await accepted("PUT", url, JSON.stringify(body), signal);
}

/** Switches it off. Done twice it's the same. */
export async function deleteControl(url: string, signal: AbortSignal): Promise<void> {
  await accepted("DELETE", url, undefined, signal);
}

async function accepted(method: string, url: string, body: string | undefined, signal: AbortSignal): Promise<void> {
  const { status, text } = await exchange(method, url, body, signal);
  if (status < 200 || status >= 300) throw new Error(`${method} ${url} answered ${status}: ${text.slice(0, 300)}`);
}

async function exchange(method: string, url: string, body: string | undefined, signal: AbortSignal) {
  const answered = await fetch(url, {
    method,
    ...(body !== undefined && { body, headers: { "content-type": "application/json" } }),
    signal: AbortSignal.any([signal, AbortSignal.timeout(answerWithinMs)]),
    redirect: "error",
  });
  return { status: answered.status, text: await answered.text() };
}

function jsonIn(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
