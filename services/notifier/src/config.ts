import { z } from "zod";
import { isWebhookSecret } from "./signature.ts";

/** Where notices are posted to, and how often it's tried. */
export const notifierConfig = {
  /** The receiver. Nothing else is ever asked; a redirect isn't followed. */
  OPERATOR_WEBHOOK_URL: z.url({ protocol: /^https?$/ }).refine((url) => {
    const { username, password } = new URL(url);
    return username === "" && password === "";
  }, "an http(s) URL without user and password: the signature tells the receiver who posts"),
  /** Shared with the receiver, e.g. `whsec_` and `openssl rand -base64 32`. */
  OPERATOR_WEBHOOK_SECRET: z.string().refine(isWebhookSecret, "whsec_ and the base64 of 24 to 64 bytes"),
  /** A ticket's page for people, e.g. `https://ops.example/tickets/<ticket>`; sent along as `url`. */
  OPERATOR_TICKET_URL: z
    .string()
    .refine((url) => url.includes("<ticket>") && URL.canParse(url), "a URL that holds <ticket>")
    .optional(),
  OPERATOR_WEBHOOK_TRIES: z.coerce.number().int().min(1).max(10).default(5),
  /** Before the second try; each further wait is 2.5 times as long, so five tries take 51 s and the receiver's own time. */
  OPERATOR_WEBHOOK_RETRY_MS: z.coerce.number().int().min(10).max(60_000).default(2_000),
  /** One try, from the connection to the receiver's status. */
  OPERATOR_WEBHOOK_TIMEOUT_MS: z.coerce.number().int().min(100).max(60_000).default(10_000),
};
