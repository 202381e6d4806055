import { flushCompileCache } from "node:module";
import type Anthropic from "@anthropic-ai/sdk";
import type { Logger } from "@operator/service/log";

export const apiUrl = "https://api.anthropic.com";

/** What the SDK sends of its own; whatever else is in the environment's custom headers stays at home. */
const headersSent = /^(?:accept|anthropic-version|authorization|content-type|user-agent|x-stainless-[\w-]+)$/;

/**
 * A client that has the key and address that it's given, and nothing of the environment: no other credentials, headers,
 * address or log. Made when the first case needs it, as the SDK takes some 8 MB.
 */
export async function createClient(given: { apiKey: string; url: string; log: Logger }): Promise<Anthropic> {
  const { default: Client } = await import("@anthropic-ai/sdk");
  // What a start loads has been written by now; a process that is killed later would never write this.
  setImmediate(flushCompileCache);
  const { apiKey, url, log } = given;
  const say = (level: "error" | "warn") => (message: string) =>
    log[level]({ sdk: message }, "the Messages API's client says");
  return new Client({
    apiKey,
    baseURL: url,
    webhookKey: null,
    // Waiting is ours to decide, to show and to bound.
    maxRetries: 0,
    logLevel: "warn",
    logger: { error: say("error"), warn: say("warn"), info: () => {}, debug: () => {} },
    openTelemetry: { propagation: false, traces: false },
    fetch: (input, init) => {
      const headers = new Headers([...new Headers(init?.headers)].filter(([name]) => headersSent.test(name)));
      headers.set("authorization", `Bearer ${apiKey}`);
      // Another host would be handed the case and the key.
      return fetch(input, { ...init, headers, redirect: "error" });
    },
  });
}
