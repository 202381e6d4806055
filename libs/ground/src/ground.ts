import { setTimeout as sleep } from "node:timers/promises";
import type { Bus } from "@operator/bus/bus";
import { BusError } from "@operator/bus/failure";
import type { Diagnosis, Rejection } from "@operator/contracts/diagnosis";
import { flow } from "@operator/contracts/flow";
import type { Snapshot } from "@operator/contracts/snapshot";
import type { Ticket } from "@operator/contracts/ticket";
import type { Action } from "@operator/subject/action";
import { loadRoom } from "@operator/subject/load";
import { tools } from "@operator/subject/tools";
import { catalogueOf } from "@operator/evidence/catalogue";
import { type Document, kindOfAddress } from "@operator/evidence/documents";
import { topologyOf } from "@operator/evidence/targets";
import { validate } from "@operator/evidence/validate";

/** More documents than a grounded answer cites; each is read from the bus. */
const documentsMax = 20;
/** Evidence is stored before the violation that names it, but a replica may be a moment behind. */
const lateMs = 150;
const triesMax = 3;

/** Reads the evidence that a diagnosis cites from EVIDENCE, and gives the validator that holds it against that. */
export async function groundOf(
  bus: Bus,
  diagnosis: Diagnosis,
  { id, subject, violation }: Ticket,
): Promise<(ticket: Ticket) => Rejection[]> {
  const own = [violation.lastGood?.address, violation.firstBad?.address].filter((address) => address !== undefined);
  const cited = new Set([...own, ...diagnosis.facts.map(({ address }) => address)]);
  const documents = new Map<string, Document>();
  for (const address of [...cited].slice(0, documentsMax)) {
    const document = await documentAt(bus, { subject, ticket: id }, address);
    if (document) documents.set(address, document);
  }
  const targets = await targetsOf(
    subject,
    own.flatMap((address) => snapshotIn(documents.get(address))),
  );
  const catalogue = catalogueOf(diagnosis.answer.proposals.length > 0 ? await actionsOf(subject) : []);
  return (ticket) =>
    validate(diagnosis, {
      subject,
      ticket: ticket.id,
      violation: ticket.violation,
      targets,
      ...catalogue,
      lookup: (address) => documents.get(address),
      nowMs: Date.now(),
    });
}

async function documentAt(
  bus: Bus,
  about: Parameters<typeof kindOfAddress>[1],
  address: string,
): Promise<Document | undefined> {
  const kind = kindOfAddress(address, about);
  if (!kind) return undefined;
  try {
    for (let tries = 1; tries <= triesMax; tries++) {
      const received =
        kind === "evidence" ? await bus.last(flow.evidence, address) : await bus.last(flow.toolEvidence, address);
      if (received) return received.message;
      if (tries < triesMax) await sleep(lateMs);
    }
  } catch (error) {
    if (!(error instanceof BusError) || error.code.startsWith("BUS_")) throw error;
    // What is stored there is no evidence: the same as nothing.
  }
  return undefined;
}

function snapshotIn(document: Document | undefined): Snapshot[] {
  return document === undefined || "tool" in document ? [] : [document];
}

/** The targets of the subject's topology. A topology that fails knows none, so what is said of others is refused. */
async function targetsOf(subject: string, snapshots: Snapshot[]): Promise<string[]> {
  try {
    const [{ topology }, { state }] = await Promise.all([loadRoom(subject, "topology"), loadRoom(subject, "state")]);
    return topologyOf(topology, state, snapshots).map(({ name }) => name);
  } catch {
    return [];
  }
}

/** The room's catalogue with the tools that every subject has; one that can't be loaded is empty, so every proposal is refused. */
async function actionsOf(subject: string): Promise<Action<never>[]> {
  try {
    return [...(await loadRoom(subject, "actions")).actions, ...tools];
  } catch {
    return [];
  }
}
