import { createHmac } from "node:crypto";

const prefix = "whsec_";

/** Whether it's `whsec_` and the base64 of 24 to 64 bytes. */
export function isWebhookSecret(secret: string): boolean {
  const encoded = secret.slice(prefix.length);
  const key = keyOf(secret);
  // What isn't base64 is skipped in silence when decoded, so it's held against what it decodes to.
  const isBase64 = key.toString("base64").replace(/=+$/, "") === encoded.replace(/=+$/, "");
  return secret.startsWith(prefix) && isBase64 && key.length >= 24 && key.length <= 64;
}

/**
 * The headers by which a receiver knows who posts, that the body is whole, and whether it has it already: Standard
 * Webhooks, https://www.standardwebhooks.com. Time is in whole seconds, of this very try, so that an old one can be refused.
 */
export function signed(secret: string, id: string, atMs: number, body: string): Record<string, string> {
  const timestamp = String(Math.floor(atMs / 1000));
  const signature = createHmac("sha256", keyOf(secret)).update(`${id}.${timestamp}.${body}`).digest("base64");
  return { "webhook-id": id, "webhook-timestamp": timestamp, "webhook-signature": `v1,${signature}` };
}

function keyOf(secret: string): Buffer {
  return Buffer.from(secret.slice(prefix.length), "base64");
}
