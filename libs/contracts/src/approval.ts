import { z } from "zod";
import { ActionId } from "./action-id.ts";
import { ActionName } from "./action.ts";
import { Json } from "./json.ts";
import { SubjectName, TargetName, TimeMs } from "./names.ts";

/** The public part of a key by its first 16 hex digits of SHA-256. */
export const KeyId = z
  .string()
  .regex(/^[0-9a-f]{16}$/)
  .brand<"KeyId">();
export type KeyId = z.infer<typeof KeyId>;

const signedBy = { key: KeyId, issuedAtMs: TimeMs, expiresAtMs: TimeMs };

/** What a person signs about an action: exactly this action, these parameters, this evidence, in this term of the mode. */
export const ActionStatement = z.strictObject({
  purpose: z.enum(["approve_action", "reject_action", "cancel_action"]),
  action: ActionId,
  subject: SubjectName,
  kind: ActionName,
  target: TargetName,
  parameters: z.record(z.string(), Json),
  evidence: z.string().regex(/^[0-9a-f]{64}$/),
  term: z.int().nonnegative(),
  ...signedBy,
});
export type ActionStatement = z.infer<typeof ActionStatement>;

/** What a person signs so that actions may be executed, until it expires or the term changes. */
export const ModeStatement = z.strictObject({
  purpose: z.literal("execute_mode"),
  term: z.int().nonnegative(),
  ...signedBy,
});
export type ModeStatement = z.infer<typeof ModeStatement>;

/** A statement as it was signed, byte for byte: canonical JSON. */
export const Signed = z.object({
  statement: z.string().max(8_000),
  /** Ed25519 over the statement's UTF-8 bytes, base64url. */
  signature: z.string().max(200),
});
export type Signed = z.infer<typeof Signed>;

/** A person's signed word about an action. Where it's sent is said beside it; what counts is the statement. */
export const Approval = z.object({ action: ActionId, subject: SubjectName, signed: Signed });
export type Approval = z.infer<typeof Approval>;

/** Why a person's word didn't count. */
export const Refusal = z.object({ by: z.string().max(100), code: z.string().max(100), text: z.string().max(1000) });
export type Refusal = z.infer<typeof Refusal>;
