import { createHash } from "node:crypto";

/** SHA-256 of a signed statement's text, hexadecimal: names it in outcomes and in the audit. */
export function statementHash(statement: string): string {
  return createHash("sha256").update(statement).digest("hex");
}
