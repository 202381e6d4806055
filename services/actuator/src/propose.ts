import { createHash } from "node:crypto";
import { canonical } from "@operator/approval/canonical";
import type { Bucket } from "@operator/bus/bucket";
import type { Bus } from "@operator/bus/bus";
import { Action, type ActionNote } from "@operator/contracts/action";
import { actionIdOf } from "@operator/contracts/action-id";
import type { Answer, Diagnosis, DiagnosisEvent } from "@operator/contracts/diagnosis";
import type { InstanceName } from "@operator/contracts/names";
import type { Ticket } from "@operator/contracts/ticket";
import { partsOfTicketId, type TicketId } from "@operator/contracts/ticket-id";
import { violationKeyOf } from "@operator/contracts/violation";
import { groundOf } from "@operator/ground/ground";
import { plainText } from "@operator/evidence/telemetry";
import type { ActingRoom } from "./rooms.ts";

/** A proposal that nobody approved by then is old news. */
export const proposalMsMax = 60 * 60_000;

/** What comes of a finished diagnosis: actions to propose, and why others aren't. */
export interface Proposed {
  actions: Action[];
  notes: ActionNote[];
}

type Finished = Extract<DiagnosisEvent, { phase: "finished" }>;

/**
 * The proposals of a diagnosis as actions. It's hostile input: the validator runs here again, on the evidence itself, and
 * parameters are parsed by the catalogue's own schema.
 */
export async function proposalsOf(
  said: Finished,
  given: {
    bus: Bus;
    tickets: Bucket<Ticket>;
    room: (subject: string) => Promise<ActingRoom>;
    instance: InstanceName;
    storedAtMs: number;
  },
): Promise<Proposed> {
  const nothing: Proposed = { actions: [], notes: [] };
  if (said.result.kind !== "done" || said.result.diagnosis.answer.proposals.length === 0) return nothing;
  const { diagnosis } = said.result;
  const note = (code: string, text: string, rejections?: ActionNote["rejections"]): Proposed => ({
    actions: [],
    notes: [
      {
        id: `${said.ticket}.${said.attempt}`,
        subject: said.subject,
        kind: "proposal_refused",
        atMs: given.storedAtMs,
        by: given.instance,
        ticket: said.ticket,
        code,
        text: plainText(text, 1_000),
        ...(rejections && { rejections: rejections.slice(0, 20) }),
      },
    ],
  });
  const ticket = await ticketOf(given.tickets, said.ticket);
  if (!ticket) return note("TICKET_UNKNOWN", `there is no ticket ${said.ticket}`);
  if (ticket.subject !== said.subject) return note("TICKET_MISMATCH", `ticket ${ticket.id} is not of ${said.subject}`);
  const validated = await groundOf(given.bus, diagnosis, ticket);
  const rejections = validated(ticket);
  if (rejections.length > 0) {
    const [first] = rejections;
    return note("DIAGNOSIS_REJECTED", `the validator refuses it: ${first?.code}: ${first?.message}`, rejections);
  }
  try {
    const room = await given.room(said.subject);
    const actionAt = (proposal: Answer["proposals"][number], at: number) =>
      actionOf(proposal, at + 1, { ...given, said, diagnosis, room });
    return { actions: diagnosis.answer.proposals.map(actionAt), notes: [] };
  } catch (error) {
    return note("CATALOGUE_MISSING", String(error));
  }
}

/** SHA-256 of the facts that a diagnosis cites. */
export function evidenceHash({ facts }: Diagnosis): string {
  const sorted = [...facts].sort((a, b) => (a.id < b.id ? -1 : 1)).map((fact) => ({ ...fact }));
  return createHash("sha256").update(canonical(sorted)).digest("hex");
}

function actionOf(
  proposal: Answer["proposals"][number],
  n: number,
  given: { said: Finished; diagnosis: Diagnosis; room: ActingRoom; instance: InstanceName; storedAtMs: number },
): Action {
  const { said, diagnosis, room, storedAtMs } = given;
  const definition = room.actions.get(proposal.action);
  // The validator has it from the same room, so it's there but for a room that changed in between.
  if (!definition)
    throw new Error(`"${proposal.action}" is not in the catalogue: ${[...room.actions.keys()].join(", ")}`);
  const { engine } = diagnosis;
  return Action.parse({
    id: actionIdOf({ ticket: said.ticket, attempt: said.attempt, n }),
    subject: said.subject,
    ticket: said.ticket,
    attempt: said.attempt,
    proposal: { ...proposal, parameters: definition.parameters.parse(proposal.parameters) },
    risk: definition.risk,
    engine,
    evidence: evidenceHash(diagnosis),
    state: "proposed",
    revision: 1,
    proposedAtMs: storedAtMs,
    expiresAtMs: storedAtMs + proposalMsMax,
    escalated: false,
    steps: [
      {
        state: "proposed",
        atMs: storedAtMs,
        by: given.instance,
        text: plainText(`proposed by ${engine.kind} ${engine.name}: ${proposal.why}`, 1_000),
      },
    ],
    sent: 0,
  });
}

/** The newest generation is under the key of its violation, earlier ones under their id. */
export async function ticketOf(tickets: Bucket<Ticket>, id: TicketId): Promise<Ticket | undefined> {
  const head = await tickets.get(violationKeyOf(partsOfTicketId(id)));
  return head?.value.id === id ? head.value : (await tickets.get(id))?.value;
}
