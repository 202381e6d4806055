import type { FastifyInstance } from "fastify";
import { z } from "zod";
import type { Account } from "./account.ts";
import { Key, type Limits } from "./limits.ts";
import { quoted, Refusal } from "./refusal.ts";

/** Of each key: whoever watches looks at several windows. */
const sinceMax = 64;
const timeUs = z.int().nonnegative();

/** Times are Redis' microseconds. `nowUs`: what its clock says while this is asked. */
const AccountBody = z.strictObject({
  nowUs: timeUs,
  untilUs: timeUs,
  keys: z.array(z.strictObject({ key: Key, sinceUs: z.array(timeUs).max(sinceMax) })).max(100),
});

/** POST /v1/account: which limit this node applies to some keys, and what it has admitted of them. It changes nothing. */
export function accountRoute(
  app: FastifyInstance,
  limits: Limits,
  account: Account,
  node: { id: string; isConnected: () => boolean },
): void {
  app.post("/v1/account", { bodyLimit: 131_072 }, async (request) => {
    const body = AccountBody.safeParse(request.body);
    if (!body.success) {
      const message = `${quoted(request.body)} is not {"nowUs", "untilUs", "keys": [{"key", "sinceUs": [..]}]}: ${z.prettifyError(body.error)}`;
      throw new Refusal("body_invalid", message);
    }
    const { nowUs, untilUs, keys } = body.data;
    const answers = keys.map(({ key, sinceUs }) => {
      const { limit, windowMs } = limits.of(key);
      const isConnected = node.isConnected();
      return { key, limit, windowMs, ...account.read(key, { sinceUs, untilUs, nowUs, windowMs, isConnected }) };
    });
    return { nodeId: node.id, keys: answers };
  });
}
