import type { AuditEntry } from "../read-audit.ts";
import { agoOf, clockOf } from "../terminal/ages.ts";
import { entry, type Line, paragraph, type Style, span } from "../terminal/page.ts";

interface Options {
  nowMs: number;
  columns: number;
}

/** What was done and said, a line each with what it's about below. */
export function auditLines(entries: readonly AuditEntry[], { nowMs, columns }: Options): Line[] {
  return entries.flatMap((one): Line[] => {
    const { storedAtMs, what, by, text, code, action, ticket } = one;
    const said = [text, code !== undefined && `(${code})`, `– ${by}`].filter((part) => part !== false && part !== "");
    const about = action ?? ticket;
    return [
      [
        span(`${clockOf(storedAtMs, nowMs)}  ${agoOf(storedAtMs, nowMs).padEnd(10)}  `, "dim"),
        span(what, styles[what] ?? "plain"),
        ...(about === undefined ? [] : ["  ", span(about, "title")]),
      ],
      ...paragraph(said.join(" "), columns, 4),
    ];
  });
}

/** The same with all that proves it: where it stands, what was signed and the signature. */
export function auditPage(entries: readonly AuditEntry[], options: Options): Line[] {
  return entries.flatMap((one, at): Line[] => {
    const { message } = one;
    const [statement, signature] = "statement" in message ? [message.statement, message.signature] : [];
    const line = (name: string, text: string | undefined) =>
      text === undefined ? [] : entry(name, text, options.columns, "dim", 4);
    return [
      ...(at === 0 ? [] : [[]]),
      ...auditLines([one], options),
      ...line("stored", `${one.stream} ${one.sequence}`),
      ...line("signed", statement),
      ...line("signature", signature),
    ];
  });
}

const styles: Record<string, Style> = {
  approval_refused: "warn",
  proposal_refused: "warn",
  mode_changed: "title",
  verified: "good",
  failed: "bad",
  unverified: "bad",
  unknown: "bad",
};
