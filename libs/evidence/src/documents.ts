import { addressOf, patternOf } from "@operator/contracts/channel";
import { flow } from "@operator/contracts/flow";
import { atPointer, type Json, toPointer } from "@operator/contracts/json";
import type { Snapshot } from "@operator/contracts/snapshot";
import { ReadToolName } from "@operator/contracts/read-tool";
import { partsOfTicketId, type TicketId } from "@operator/contracts/ticket-id";
import type { ToolEvidence } from "@operator/contracts/tool-evidence";

/** What facts are taken from: what the checker kept, or what a diagnoser was told when it asked. */
export type Document = Snapshot | ToolEvidence;

/** Where a document is kept. */
export function addressOfDocument(document: Document): string {
  return "tool" in document ? addressOf(flow.toolEvidence, document) : addressOf(flow.evidence, document);
}

/** Which kind of document of EVIDENCE an address is of, for a diagnosis of this ticket; undefined: of none that it may cite. */
export function kindOfAddress(
  address: string,
  about: { subject: string; ticket: TicketId },
): "evidence" | "toolEvidence" | undefined {
  if (fits(address, patternOf(flow.evidence, { subject: about.subject }))) return "evidence";
  const { subject, invariant, target, generation } = partsOfTicketId(about.ticket);
  const tool = address.split(".").at(-2) ?? "";
  if (tool !== "logs" && !ReadToolName.safeParse(tool).success) return undefined;
  const given = { subject, invariant, target, generation: String(generation), tool };
  return fits(address, patternOf(flow.toolEvidence, given)) ? "toolEvidence" : undefined;
}

/** Is this the pattern with a number in the place of each `*`? */
function fits(address: string, pattern: string): boolean {
  const [tokens, wanted] = [address.split("."), pattern.split(".")];
  const fitsAt = (at: number, token: string) => (wanted[at] === "*" ? /^\d{1,16}$/.test(token) : wanted[at] === token);
  return tokens.length === wanted.length && tokens.every((token, at) => fitsAt(at, token));
}

/** The value that a fact names in a document, undefined when there is none. */
export function valueOf(document: Document, pointer: string): Json | undefined {
  // One value has one pointer: `xatMs` would be read as `/atMs`.
  if (pointer !== "" && !pointer.startsWith("/")) return undefined;
  const value = atPointer(document, pointer);
  // What a pointer names within a JSON document is JSON.
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion
  return value === undefined ? undefined : (value as Json);
}

/** The time of what a pointer names: a line of a log has its own, what a read tool said the one at which it was read. */
export function timeOf(document: Document, pointer: string): number {
  if (!("tool" in document)) return document.atMs;
  if ("readAtMs" in document) return document.readAtMs;
  const [line] = /^\/logs\/[^/]+\/lines\/\d+(?=\/)/.exec(pointer) ?? [];
  const atMs = line === undefined ? undefined : valueOf(document, `${line}/atMs`);
  return typeof atMs === "number" ? atMs : document.atMs;
}

/** Where a line of a target's log stands in the document. */
export function pointerToLine(target: string, at: number): string {
  return toPointer(["logs", target, "lines", String(at), "text"]);
}
