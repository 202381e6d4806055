import { type KeyObject, sign as signBytes, verify as verifyBytes } from "node:crypto";
import type { ActionStatement, ModeStatement, Signed } from "@operator/contracts/approval";
import { Json } from "@operator/contracts/json";
import type { z } from "zod";
import { canonical } from "./canonical.ts";
import { type Approver, keyIdOf, publicKeyOf } from "./keys.ts";

/** Why a statement isn't accepted. */
export interface Refused {
  code: "STATEMENT_MALFORMED" | "KEY_UNKNOWN" | "SIGNATURE_INVALID" | "STATEMENT_EXPIRED" | "STATEMENT_FROM_FUTURE";
  message: string;
}

/** Clocks of two hosts may differ by so much. */
const skewMaxMs = 30_000;
/** Nobody's word about an action holds longer. */
export const actionMsMax = 15 * 60_000;
/** And none that allows actions to be executed at all. */
export const statementMsMax = 8 * 60 * 60_000;

export function sign(statement: ActionStatement | ModeStatement, privateKey: KeyObject): Signed {
  const text = canonical(statement);
  return { statement: text, signature: signBytes(null, Buffer.from(text), privateKey).toString("base64url") };
}

/**
 * Reads a signed statement, trusting nothing: its form, that it's canonical, that its key is one of the approvers', the
 * signature, and its time. What it allows is for the caller to compare.
 */
export function verify<Statement extends { purpose: string; key: string; issuedAtMs: number; expiresAtMs: number }>(
  signed: Signed,
  schema: z.ZodType<Statement>,
  approvers: readonly Approver[],
  nowMs: number,
): { ok: true; statement: Statement; approver: Approver } | { ok: false; refused: Refused } {
  const refuse = (code: Refused["code"], message: string) => ({ ok: false, refused: { code, message } }) as const;
  let json: Json;
  try {
    json = Json.parse(JSON.parse(signed.statement));
  } catch (error) {
    return refuse("STATEMENT_MALFORMED", `no JSON: ${String(error)}`);
  }
  const parsed = schema.safeParse(json);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    return refuse("STATEMENT_MALFORMED", `${issue?.path.join(".") ?? ""}: ${issue?.message ?? "malformed"}`);
  }
  if (canonical(json) !== signed.statement) return refuse("STATEMENT_MALFORMED", "it isn't canonical JSON");
  const statement = parsed.data;
  const approver = approvers.find(({ key }) => key === statement.key);
  if (!approver) return refuse("KEY_UNKNOWN", `key ${statement.key} is not among the approvers'`);
  if (keyIdOf(approver.publicKey) !== approver.key) {
    return refuse("KEY_UNKNOWN", `the approvers' file gives key ${approver.key} a public half that isn't its own`);
  }
  const bytes = Buffer.from(signed.statement);
  if (!verifyBytes(null, bytes, publicKeyOf(approver.publicKey), Buffer.from(signed.signature, "base64url"))) {
    return refuse("SIGNATURE_INVALID", `the signature is not of key ${approver.key} over this statement`);
  }
  if (statement.issuedAtMs > nowMs + skewMaxMs) {
    return refuse("STATEMENT_FROM_FUTURE", `issued at ${iso(statement.issuedAtMs)}, which is still to come`);
  }
  const msMax = statement.purpose === "execute_mode" ? statementMsMax : actionMsMax;
  if (statement.expiresAtMs <= nowMs || statement.expiresAtMs - statement.issuedAtMs > msMax) {
    return refuse("STATEMENT_EXPIRED", `issued at ${iso(statement.issuedAtMs)} until ${iso(statement.expiresAtMs)}`);
  }
  return { ok: true, statement, approver };
}

function iso(ms: number): string {
  return Number.isFinite(ms) && Math.abs(ms) < 8.64e15 ? new Date(ms).toISOString() : String(ms);
}
