import type { TicketId } from "@operator/contracts/ticket-id";
import { CliError } from "./cli-error.ts";
import { suggestion } from "./suggest.ts";

/**
 * The ticket that somebody means: its whole id, or whole parts of it in a row that fit one case only, as
 * `node_down.node-a`. Of a case's generations that fit, the newest.
 */
export function findTicket(word: string, ids: readonly TicketId[]): TicketId {
  const exact = ids.find((id) => id === word);
  if (exact !== undefined) return exact;
  const wanted = `.${word.replace(/^\.+|\.+$/g, "")}.`;
  const newest = new Map<string, TicketId>();
  for (const id of ids) {
    if (wanted === ".." || !`.${id}.`.includes(wanted)) continue;
    const { lineage, generation } = lineageOf(id);
    const other = newest.get(lineage);
    if (other === undefined || lineageOf(other).generation < generation) newest.set(lineage, id);
  }
  const [first, ...others] = newest.values();
  if (first === undefined) {
    const lineages = ids.map((id) => lineageOf(id).lineage);
    const near = suggestion(word, [...new Set([...ids, ...lineages, ...lineages.map(withoutSubject)])]);
    throw new CliError(
      "TICKET_UNKNOWN",
      `no ticket "${word}"${near}: \`operator tickets list --status all\` lists them`,
    );
  }
  if (others.length === 0) return first;
  const fitting = [first, ...others].sort();
  const shown = fitting.slice(0, 20).join(", ");
  throw new CliError(
    "TICKET_AMBIGUOUS",
    `"${word}" fits ${fitting.length} tickets, say which: ${shown}${fitting.length > 20 ? ", …" : ""}`,
    { tickets: fitting },
  );
}

function lineageOf(id: TicketId): { lineage: string; generation: number } {
  const dot = id.lastIndexOf(".");
  return { lineage: id.slice(0, dot), generation: Number(id.slice(dot + 1)) };
}

function withoutSubject(lineage: string): string {
  return lineage.slice(lineage.indexOf(".") + 1);
}
