import { readApprovers } from "@operator/approval/approvers-file";
import { executeMode } from "@operator/approval/execute-mode";
import { ModeStatement } from "@operator/contracts/approval";
import type { Control } from "@operator/contracts/control";
import { said } from "./approvers-said.ts";
import type { Validity } from "./screens/control-page.ts";

/** What a written mode comes to. Without the approvers' file the signature can't be checked, and that is said. */
export function validityOf(control: Control, approversFile: string | undefined, nowMs: number): Validity {
  if (control.mode === "observe") return { mode: "observe", text: "no action is executed", checked: true };
  if (approversFile === undefined) return asFarAsSeen(control, nowMs);
  const mode = executeMode(
    control,
    said(() => readApprovers(approversFile)),
    nowMs,
  );
  if (!mode.ok)
    return { mode: "observe", code: mode.code, text: `execute doesn't count: ${mode.message}`, checked: true };
  const text = `approved actions are executed, by the word of ${mode.approver.name}`;
  return { mode: "execute", text, untilMs: mode.untilMs, checked: true };
}

/** Form, term and time: what can be seen without knowing whose key it is. */
function asFarAsSeen({ statement, term }: Control, nowMs: number): Validity {
  const no = (code: string, why: string): Validity => ({
    mode: "observe",
    code,
    text: `execute doesn't count: ${why}`,
    checked: false,
  });
  if (!statement) return no("STATEMENT_MISSING", "nobody signed it");
  const parsed = ModeStatement.safeParse(jsonOf(statement.statement));
  if (!parsed.success) return no("STATEMENT_MALFORMED", "what was signed is no statement of the mode");
  const { expiresAtMs, term: signedTerm, key } = parsed.data;
  if (signedTerm !== term) return no("TERM_DIFFERS", `it was signed for term ${signedTerm}, and this is term ${term}`);
  if (expiresAtMs <= nowMs) return no("STATEMENT_EXPIRED", `it held until ${new Date(expiresAtMs).toISOString()}`);
  const text = `approved actions are executed, if key ${key} may allow it (--approvers <file> checks that)`;
  return { mode: "execute", text, untilMs: expiresAtMs, checked: false };
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
