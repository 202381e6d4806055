import { type FaultEvent, FaultId } from "@operator/contracts/chaos";
import type { Asked } from "./decide.ts";
import type { Phase } from "./fault-record.ts";

const textMax = 1_000;

type Named = "target" | "asked" | "observedAs";

/** The first event of a fault that is asked for. Without an id of its own it's known by its command's place in the stream. */
export function firstEvent(
  asked: Asked,
  sequence: number,
  phase: "planned" | "refused" | "injecting",
  told: Pick<FaultEvent, "text"> &
    Partial<Pick<FaultEvent, Named | "code" | "parameters" | "ttlMs" | "endsAtMs" | "undo">>,
): FaultEvent {
  const { subject, fault, target, parameters = {}, ttlMs = 0, by = "unnamed" } = asked;
  const id = asked.id ?? FaultId.parse(String(sequence));
  const event = { id, subject, fault, target, phase, atMs: Date.now(), by, parameters, ttlMs, ...told };
  return { ...event, text: told.text.slice(0, textMax) };
}

/** A later event of a fault that began. */
export function laterEvent(
  { id, subject, fault, target, asked, observedAs, by, parameters, ttlMs }: FaultEvent,
  phase: Phase,
  told: Pick<FaultEvent, "text"> & Partial<Pick<FaultEvent, "by" | "code" | "undo" | "endsAtMs">>,
): FaultEvent {
  const named = { target, ...(asked !== undefined && { asked }), ...(observedAs !== undefined && { observedAs }) };
  const event = { id, subject, fault, ...named, phase, atMs: Date.now(), by, parameters, ttlMs, ...told };
  return { ...event, text: told.text.slice(0, textMax) };
}

/** The code and the words of an error, for the journal. */
export function failureOf(error: unknown): { code: string; text: string } {
  const code =
    error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : "FAULT_FAILED";
  return { code: code.slice(0, 100), text: error instanceof Error ? error.message : String(error) };
}
