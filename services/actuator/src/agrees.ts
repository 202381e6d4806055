import { canonical } from "@operator/approval/canonical";
import type { Bus } from "@operator/bus/bus";
import type { Action } from "@operator/contracts/action";
import { flow } from "@operator/contracts/flow";
import type { EvidenceReference } from "@operator/contracts/violation";
import { buildCaseFile } from "@operator/evidence/case-file";
import type { Kept } from "@operator/evidence/facts";
import { topologyOf } from "@operator/evidence/targets";
import { loadRoom } from "@operator/subject/load";
import type { Desk } from "./desk.ts";
import { ticketOf } from "./propose.ts";

/**
 * Does the playbook, run here on the checker's own evidence alone, propose this very action? A diagnoser's word isn't
 * enough to act without a person: its evidence could be forged.
 */
export async function agrees({ tickets, context }: Desk, action: Action): Promise<boolean> {
  const ticket = await ticketOf(tickets, action.ticket);
  if (!ticket) return false;
  const { violation } = ticket;
  const [firstBad, lastGood] = await Promise.all([
    keptOf(context.bus, violation.firstBad),
    keptOf(context.bus, violation.lastGood),
  ]);
  if (!firstBad) return false;
  const [{ playbook }, { topology }, { state }] = await Promise.all([
    loadRoom(action.subject, "playbook"),
    loadRoom(action.subject, "topology"),
    loadRoom(action.subject, "state"),
  ]);
  const snapshots = [lastGood, firstBad].flatMap((kept) => (kept ? [kept.snapshot] : []));
  const file = buildCaseFile({
    job: {
      subject: action.subject,
      ticket: action.ticket,
      attempt: action.attempt,
      severity: ticket.severity,
      queuedAtMs: action.proposedAtMs,
      why: "the policy would approve it",
    },
    ticket,
    firstBad,
    lastGood,
    timeline: [],
    topology: topologyOf(topology, state, snapshots),
    similar: [],
    missing: [],
    nowMs: Date.now(),
  });
  const { action: name, target, parameters } = action.proposal;
  return playbook(file).proposals.some(
    (each) => each.action === name && each.target === target && canonical(each.parameters) === canonical(parameters),
  );
}

async function keptOf(bus: Bus, reference: EvidenceReference | undefined): Promise<Kept | undefined> {
  if (!reference) return undefined;
  const received = await bus.last(flow.evidence, reference.address);
  return received && { address: reference.address, snapshot: received.message };
}
