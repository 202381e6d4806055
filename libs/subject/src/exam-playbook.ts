import { Answer } from "@operator/contracts/diagnosis";
import { InvariantName, SubjectName } from "@operator/contracts/names";
import { ticketIdOf } from "@operator/contracts/ticket-id";
import type { Detail } from "@operator/contracts/violation";
import { z } from "zod";
import type { CaseFile } from "./case-file.ts";
import { details, nowhere } from "./exam-samples.ts";
import type { Invariant } from "./invariant.ts";
import type { RoomFiles } from "./room.ts";

/** That it answers any violation of the room from an empty case file: "I don't know" is an answer, a throw is none. */
export function examinePlaybook(
  { playbook }: RoomFiles["playbook"],
  invariants: readonly Invariant<never>[],
): string[] {
  const complaints = invariants.flatMap((invariant) =>
    details.flatMap((detail) => {
      const about = `playbook.ts: on ${invariant.name} (${detail.kind}) without facts`;
      try {
        const parsed = Answer.safeParse(playbook(emptyFile(invariant, detail)));
        if (!parsed.success) return [`${about}: no valid answer: ${z.prettifyError(parsed.error)}`];
        return parsed.data.verdict === "fault" && parsed.data.evidence.length === 0 && parsed.data.confidence >= 0.9
          ? [`${about}: is ${parsed.data.confidence} sure of a fault and cites nothing`]
          : [];
      } catch (error) {
        return [`${about}: throws: ${error instanceof Error ? error.message : String(error)}`];
      }
    }),
  );
  return [...new Set(complaints)];
}

function emptyFile({ name, severity }: Invariant<never>, detail: Detail): CaseFile {
  const about = { subject: SubjectName.parse("exam"), invariant: InvariantName.parse(name), target: nowhere };
  const atMs = 1_800_000_000_000;
  return {
    ticket: { id: ticketIdOf({ ...about, generation: 1 }), openedAtMs: atMs, attempt: 1 },
    violation: {
      ...about,
      state: "firing",
      severity,
      asOf: atMs,
      sinceMs: atMs,
      changedAtMs: atMs,
      occurrences: 1,
      summary: "an exam",
      detail,
      explainedBy: [],
      mayBeExplained: false,
      comebacks: 0,
    },
    atMs,
    facts: [],
    factsLeftOut: 0,
    changes: [],
    timeline: [],
    topology: [],
    similar: [],
    logs: [],
    reads: [],
    actions: [],
    missing: ["the exam gives no facts"],
  };
}
