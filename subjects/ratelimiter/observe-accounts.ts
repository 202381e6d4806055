import { Agent, request } from "undici";
import { z } from "zod";

const answerMs = 300;
const pageBytesMax = 262_144;

const Account = z.object({
  keys: z.array(
    z.object({
      key: z.string(),
      limit: z.int().positive(),
      windowMs: z.int().positive(),
      fromUs: z.int(),
      admitted: z.array(z.int().nonnegative()),
      unanswered: z.int().nonnegative(),
    }),
  ),
});
export type AccountOfKey = z.infer<typeof Account>["keys"][number];

/** Hits after each of `sinceUs` are asked for; none: only which limit applies, and how far back the account is complete. */
export interface AskedKey {
  key: string;
  sinceUs: number[];
}

/** Asks nodes what they admitted. */
export interface Accounts {
  /** node → key → account; undefined for a node that didn't say. */
  ask: (
    nodes: ReadonlyMap<string, string>,
    asked: { nowUs: number; untilUs: number; keys: AskedKey[] },
    signal: AbortSignal,
  ) => Promise<Map<string, Map<string, AccountOfKey> | undefined>>;
  close: () => Promise<void>;
}

export function connectAccounts(): Accounts {
  const dispatcher = new Agent({
    connections: 1,
    pipelining: 1,
    connect: { timeout: answerMs },
    maxResponseSize: pageBytesMax,
  });

  async function askOne(url: string, body: string, signal: AbortSignal) {
    const answered = await request(`${url}/v1/account`, {
      dispatcher,
      method: "POST",
      headers: { "content-type": "application/json" },
      body,
      signal: AbortSignal.any([signal, AbortSignal.timeout(answerMs)]),
    });
    const said: unknown = await answered.body.json();
    return new Map(Account.parse(said).keys.map((one) => [one.key, one]));
  }

  return {
    ask: async (nodes, asked, signal) => {
      const body = JSON.stringify(asked);
      const told = [...nodes].map(
        // Whatever is wrong with one node's answer, it's silent, and the reading says so.
        async ([id, url]) => [id, await askOne(url, body, signal).catch(() => undefined)] as const,
      );
      return new Map(await Promise.all(told));
    },
    close: () => dispatcher.destroy(),
  };
}
