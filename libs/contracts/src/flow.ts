import { createHash, randomUUID } from "node:crypto";
import { partsOfActionId, type ActionId } from "./action-id.ts";
import { Action, ActionNote } from "./action.ts";
import { Approval } from "./approval.ts";
import { type Channel, defineChannel } from "./channel.ts";
import { ChaosCommand, FaultEvent } from "./chaos.ts";
import { Command } from "./command.ts";
import { DeadLetter } from "./dead-letter.ts";
import { DiagnosisEvent } from "./diagnosis.ts";
import { Job } from "./job.ts";
import { Snapshot } from "./snapshot.ts";
import { Ticket } from "./ticket.ts";
import { partsOfTicketId, type TicketId } from "./ticket-id.ts";
import { ToolEvidence } from "./tool-evidence.ts";
import { Verdicts } from "./verdicts.ts";
import { Violation, violationKeyOf } from "./violation.ts";

/** A ticket's parts as parameters of an address. */
const ticketParameters = (ticket: TicketId) => {
  const { subject, invariant, target, generation } = partsOfTicketId(ticket);
  return { subject, invariant, target, generation: String(generation) };
};

/** An action's parts as parameters of an address. */
const actionParameters = (id: ActionId) => {
  const { ticket, attempt, n } = partsOfActionId(id);
  return { ...ticketParameters(ticket), attempt: String(attempt), n: String(n) };
};

/** The loop in one table: every message, where it travels, who sends it, who reads it. */
export const flow = {
  snapshot: defineChannel({
    name: "snapshot",
    address: "operator.snapshot.<subject>.full",
    stream: "SNAPSHOTS",
    senders: ["observer"],
    readers: ["checker", "cli"],
    version: 1,
    schema: Snapshot,
    parameters: ({ subject }) => ({ subject }),
    id: ({ subject, epoch, n }) => `${subject}:${epoch}:${n}`,
    holds: "the whole observed state of a subject, every second and at once when a probe changes its mind",
  }),
  verdicts: defineChannel({
    name: "verdicts",
    address: "operator.verdicts.<subject>.current",
    stream: "VERDICTS",
    senders: ["checker"],
    readers: ["ticketer", "diagnoser", "cli"],
    version: 1,
    schema: Verdicts,
    parameters: ({ subject }) => ({ subject }),
    id: ({ subject, asOf }) => `${subject}:${asOf}`,
    holds: "every invariant and target with its verdict, once a second",
  }),
  violation: defineChannel({
    name: "violation",
    address: "operator.violation.<subject>.<invariant>.<target>",
    stream: "VIOLATIONS",
    senders: ["checker"],
    readers: ["ticketer", "actuator", "cli"],
    version: 1,
    schema: Violation,
    parameters: ({ subject, invariant, target }) => ({ subject, invariant, target }),
    id: (violation) => `${violationKeyOf(violation)}:${violation.state}:${violation.asOf}`,
    holds: "the lasting state of an invariant and target, on change and every 5 s while not cleared",
  }),
  evidence: defineChannel({
    name: "evidence",
    address: "operator.evidence.<subject>.snapshot.<asOf>",
    stream: "EVIDENCE",
    senders: ["checker"],
    readers: ["ticketer", "diagnoser", "actuator", "cli"],
    version: 1,
    schema: Snapshot,
    parameters: ({ subject, atMs }) => ({ subject, asOf: String(atMs) }),
    id: ({ subject, atMs }) => `operator.evidence.${subject}.snapshot.${atMs}`,
    holds: "first bad and last good snapshot of a violation; the first one stored stays",
  }),
  toolEvidence: defineChannel({
    name: "toolEvidence",
    address: "operator.evidence.<subject>.tool.<invariant>.<target>.<generation>.<attempt>.<tool>.<asOf>",
    stream: "EVIDENCE",
    senders: ["diagnoser"],
    readers: ["ticketer", "actuator", "cli"],
    version: 1,
    schema: ToolEvidence,
    parameters: ({ ticket, attempt, tool, atMs }) => ({
      ...ticketParameters(ticket),
      attempt: String(attempt),
      tool,
      asOf: String(atMs),
    }),
    id: ({ ticket, attempt, tool, atMs }) => `${ticket}:${attempt}:${tool}:${atMs}`,
    holds: "what a diagnoser was told when it asked for an attempt: the ends of logs, what read tools said",
  }),
  ticket: defineChannel({
    name: "ticket",
    address: "operator.ticket.<subject>.<invariant>.<target>.<generation>",
    stream: "TICKETS",
    senders: ["ticketer"],
    readers: ["notifier", "cli"],
    version: 1,
    schema: Ticket,
    parameters: ({ id }) => ticketParameters(id),
    id: ({ id, revision }) => `${id}:${revision}`,
    holds:
      "a ticket, whole, at each revision; of several ticketers' events a newer one may come first, and its revision tells",
  }),
  job: defineChannel({
    name: "job",
    address: "operator.job.<subject>.<priority>.<invariant>.<target>.<generation>.<attempt>",
    stream: "JOBS",
    senders: ["ticketer"],
    readers: ["diagnoser"],
    version: 1,
    schema: Job,
    parameters: ({ ticket, severity, attempt }) => ({
      ...ticketParameters(ticket),
      priority: severity === "critical" ? "critical" : "normal",
      attempt: String(attempt),
    }),
    id: ({ ticket, attempt }) => `${ticket}:${attempt}`,
    holds: "attempt n at diagnosing a ticket, critical ones first",
  }),
  diagnosis: defineChannel({
    name: "diagnosis",
    address: "operator.diagnosis.<subject>.<invariant>.<target>.<generation>.<attempt>.<phase>",
    stream: "DIAGNOSES",
    senders: ["diagnoser"],
    readers: ["ticketer", "actuator", "cli"],
    version: 1,
    schema: DiagnosisEvent,
    parameters: ({ ticket, attempt, phase }) => ({ ...ticketParameters(ticket), attempt: String(attempt), phase }),
    id: ({ ticket, attempt, phase }) => `${ticket}:${attempt}:${phase}`,
    holds:
      "what became of an attempt: started, waiting if the model is busy, finished with an answer or the reason for none",
  }),
  action: defineChannel({
    name: "action",
    address: "operator.action.<subject>.<invariant>.<target>.<generation>.<attempt>.<n>.<state>",
    stream: "ACTIONS",
    senders: ["actuator"],
    readers: ["ticketer", "diagnoser", "cli"],
    version: 1,
    schema: Action,
    parameters: ({ id, state }) => ({ ...actionParameters(id), state }),
    id: ({ id, state }) => `${id}:${state}`,
    holds: "an action, whole, as it came to each state; with the notes this is the audit",
  }),
  note: defineChannel({
    name: "note",
    address: "operator.note.<kind>.<id>",
    stream: "ACTIONS",
    senders: ["actuator"],
    readers: ["cli"],
    version: 1,
    schema: ActionNote,
    parameters: ({ kind, id }) => ({ kind, id }),
    id: ({ kind, id }) => `${kind}:${id}`,
    holds: "every approval and change of mode, accepted or refused with the code, and proposals that were refused",
  }),
  approval: defineChannel({
    name: "approval",
    address: "operator.approval.<subject>.<invariant>.<target>.<generation>.<attempt>.<n>",
    stream: "APPROVALS",
    senders: ["cli"],
    readers: ["actuator"],
    version: 1,
    schema: Approval,
    parameters: ({ action }) => actionParameters(action),
    id: ({ signed }) => createHash("sha256").update(signed.statement).digest("hex"),
    holds: "a person's signed word about an action: approved, rejected, cancelled",
  }),
  chaosCommand: defineChannel({
    name: "chaosCommand",
    address: "operator.chaos.commands",
    stream: "CHAOS",
    senders: ["cli"],
    readers: ["chaos"],
    version: 1,
    schema: ChaosCommand,
    parameters: () => ({}),
    // The same fault may be asked for twice; who repeats a message because it wasn't acknowledged gives it an id.
    id: (command) => ("fault" in command && command.id) || randomUUID(),
    holds: "a fault to make, to revert, or the halt of all; plain JSON without headers is enough",
    plain: true,
  }),
  fault: defineChannel({
    name: "fault",
    address: "operator.fault.<subject>.<id>.<phase>",
    stream: "FAULTS",
    senders: ["chaos"],
    readers: ["chaos", "cli"],
    version: 1,
    schema: FaultEvent,
    parameters: ({ subject, id, phase }) => ({ subject, id, phase }),
    id: ({ id, phase }) => `${id}:${phase}`,
    holds: "what chaos did and when it ended: the ground truth, which the loop can't read",
  }),
  command: defineChannel({
    name: "command",
    address: "operator.command.<subject>.<invariant>.<target>.<generation>",
    stream: "COMMANDS",
    senders: ["cli"],
    readers: ["ticketer", "cli"],
    version: 1,
    schema: Command,
    parameters: ({ ticket }) => ticketParameters(ticket),
    id: ({ id }) => id,
    holds: "a person's word about a ticket; the ticket event that carries its id is the outcome",
  }),
  dead: defineChannel({
    name: "dead",
    address: "operator.dead.<service>.<channel>",
    stream: "DEAD",
    senders: ["observer", "checker", "ticketer", "diagnoser", "actuator", "chaos", "notifier"],
    readers: ["cli"],
    version: 1,
    schema: DeadLetter,
    parameters: ({ service, channel }) => ({ service, channel }),
    id: ({ service, id, code }) => `${service}:${id}:${code}`,
    holds: "messages that couldn't be read or carried out, with their bytes and why",
  }),
} as const;

export type ChannelName = keyof typeof flow;
export type MessageOf<Name extends ChannelName> = (typeof flow)[Name] extends Channel<infer Message> ? Message : never;
