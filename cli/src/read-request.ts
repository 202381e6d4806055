import { randomBytes } from "node:crypto";
import type { Bus } from "@operator/bus/bus";
import { Ticket } from "@operator/contracts/ticket";
import type { TicketId } from "@operator/contracts/ticket-id";
import { type ClaudeRequest, claudeRequest, type Effort, usual, whyNotAsked } from "@operator/evidence/claude-request";
import { type Estimate, estimateOf, isPriced } from "@operator/evidence/prices";
import { caseOf } from "@operator/ground/case";
import { EvidenceMissing, gather } from "@operator/ground/gather";
import { openRoom } from "@operator/ground/room";
import { CliError } from "./cli-error.ts";

/** What a diagnoser would send to Claude for a ticket as it stands. The document of `operator diagnose --dry-run --json`. */
export interface PlannedRequest {
  ticket: TicketId;
  /** The attempt that is under way, or else the next one. */
  attempt: number;
  model: string;
  effort: Effort;
  /** Why nothing would be sent though a model is configured, if so. */
  notAsked?: string;
  estimate: Estimate;
  /** Else it's estimated as the dearest model. */
  isPriced: boolean;
  request: ClaudeRequest;
}

export interface RequestOptions {
  model: string;
  effort: Effort;
  /** Of the caller's own environment: never to be shown. */
  secrets: readonly string[];
  nowMs: number;
  signal: AbortSignal;
}

/** Gathers a ticket's case as a diagnoser does, and makes the request of it. Nothing is sent. */
export async function readRequest(bus: Bus, ticket: Ticket, options: RequestOptions): Promise<PlannedRequest> {
  const { model, effort, secrets, nowMs, signal } = options;
  const { subject, id, severity } = ticket;
  const attempt = attemptOf(ticket);
  const job = { subject, ticket: id, attempt, severity, queuedAtMs: nowMs, why: "a dry run" };
  const tickets = await bus.bucket("tickets", Ticket);
  const [room, gathered] = await Promise.all([openRoom(subject), gather(bus, tickets, job, ticket, signal)]).catch(
    (error: unknown) => {
      if (!(error instanceof EvidenceMissing)) throw error;
      throw new CliError(
        "EVIDENCE_MISSING",
        `${error.message}: what ${id} rests on is kept for 30 days, so it can't be diagnosed anew`,
      );
    },
  );
  const missing = [...gathered.missing, "the ends of the logs: only a diagnoser asks for them"];
  const { file } = caseOf({ ...gathered, missing }, room, { nowMs, secrets });
  const nonce = randomBytes(16).toString("hex");
  const { tokensMax } = usual;
  const readTools = await room.readTools();
  const request = claudeRequest({ file, actions: room.actions, readTools, model, effort, tokensMax, nonce, secrets });
  const notAsked = whyNotAsked(file);
  const estimate = estimateOf(model, request);
  const about = { ticket: id, attempt, model, effort, ...(notAsked !== undefined && { notAsked }) };
  return { ...about, estimate, isPriced: isPriced(model), request };
}

function attemptOf({ attempts }: Ticket): number {
  const last = attempts.at(-1);
  if (!last) return 1;
  return last.endedAtMs === undefined ? last.attempt : Math.min(last.attempt + 1, 3);
}
