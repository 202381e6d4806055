import type { Bucket } from "@operator/bus/bucket";
import type { Bus } from "@operator/bus/bus";
import { Passing, Terminal } from "@operator/bus/failure";
import type { Received } from "@operator/bus/received";
import { flow } from "@operator/contracts/flow";
import type { Job } from "@operator/contracts/job";
import type { Ticket } from "@operator/contracts/ticket";
import { partsOfTicketId } from "@operator/contracts/ticket-id";
import { violationKeyOf } from "@operator/contracts/violation";
import { caseOf, type Gathered, nearOf } from "@operator/ground/case";
import { EvidenceMissing, gather } from "@operator/ground/gather";
import type { Room } from "@operator/ground/room";
import type { ServiceContext } from "@operator/service/service-context";
import { askLogs } from "./ask-logs.ts";
import { askReadFor } from "./ask-read.ts";
import type { Wait } from "./claude/ask.ts";
import type { Consult } from "./claude/open.ts";
import { byPlaybook, failed, type Result } from "./diagnose.ts";
import { senseOf } from "./sense.ts";

/** What is late by replication is there after a moment; after so many tries it isn't late. */
const lateMs = 500;
const triesMax = 3;

export interface Desk extends Pick<ServiceContext, "bus" | "log" | "instance"> {
  tickets: Bucket<Ticket>;
  /** The room of a subject. Throws when there is none. */
  room: (subject: string) => Promise<Room>;
  /** Of this process' own environment: never to be told. */
  secrets: readonly string[];
  /** Absent without a key. */
  claude?: Consult | undefined;
}

/**
 * Carries a job out: looks whether it still makes sense, says that it started, gathers, diagnoses, says how it finished.
 * Killed anywhere and done again it says the same under the same ids, and the first outcome stored stays.
 */
export async function carryOut(
  desk: Desk,
  { message: job, deliveries }: Received<Job> & { deliveries: number },
  signal: AbortSignal,
): Promise<void> {
  if (partsOfTicketId(job.ticket).subject !== job.subject) {
    throw new Terminal("JOB_CONTRADICTS", `job of ticket ${job.ticket} says that its subject is ${job.subject}`);
  }
  const ticket = await ticketOf(desk.tickets, job);
  const sense = ticket ? senseOf(job, ticket) : "early";
  if (sense === "ended") return;
  if (!ticket || sense === "early") {
    if (deliveries <= triesMax) throw new Passing(lateMs, `ticket ${job.ticket} has no attempt ${job.attempt} yet`);
    throw new Terminal("JOB_UNKNOWN", `no ticket ${job.ticket} with an attempt ${job.attempt} is in KV tickets`);
  }
  if (sense !== "go") return await finish(desk, job, failed("MOOT", sense.moot));

  await publish(desk.bus, { phase: "started", ...aboutOf(desk, job) });
  await finish(desk, job, await resultOf(desk, job, ticket, deliveries, signal));
}

/** The last delivery: says that nobody could carry it out, so that the ticket doesn't wait for ever. */
export async function giveUp(desk: Desk, { message: job }: Received<Job>): Promise<void> {
  await finish(desk, job, failed("DELIVERIES_EXHAUSTED", "no diagnoser could carry the job out; it is a dead letter"));
}

/** The ticket that a job is about: the newest generation is under the key of its violation, earlier ones under their id. */
async function ticketOf(tickets: Bucket<Ticket>, job: Job): Promise<Ticket | undefined> {
  const head = await tickets.get(violationKeyOf(partsOfTicketId(job.ticket)));
  if (head?.value.id === job.ticket) return head.value;
  return (await tickets.get(job.ticket))?.value;
}

async function resultOf(
  desk: Desk,
  job: Job,
  ticket: Ticket,
  deliveries: number,
  signal: AbortSignal,
): Promise<Result> {
  let room: Room;
  try {
    room = await desk.room(job.subject);
  } catch (error) {
    return failed("ROOM_MISSING", String(error));
  }
  let gathered: Gathered;
  try {
    gathered = await gather(desk.bus, desk.tickets, job, ticket, signal);
  } catch (error) {
    if (!(error instanceof EvidenceMissing)) throw error;
    if (deliveries <= triesMax) throw new Passing(lateMs, error.message);
    return failed("EVIDENCE_MISSING", error.message);
  }
  const asked = await askLogs(desk, job, nearOf(gathered, room));
  gathered =
    "logs" in asked
      ? { ...gathered, logs: asked.logs }
      : { ...gathered, missing: [...gathered.missing, `the ends of the logs: ${asked.why}`] };
  const theCase = caseOf(gathered, room, { nowMs: Date.now(), secrets: desk.secrets });
  if (!desk.claude) return byPlaybook(theCase, room, "no model is configured");
  const mootSince = () => mootnessOf(desk.tickets, job);
  const tellWait = async ({ why, untilMs }: Wait) => {
    await publish(desk.bus, { phase: "waiting", ...aboutOf(desk, job), untilMs, why });
  };
  const { actions } = room;
  const [readTools, read] = [await readToolsOf(desk, room), askReadFor(desk, job, signal)];
  const about = { theCase, actions, readTools, read, job, ticket };
  const consulted = await desk.claude({ ...about, mootSince, tellWait, signal });
  return consulted.kind === "result" ? consulted.result : byPlaybook(theCase, room, consulted.why, consulted.cost);
}

/** Read tools that can't be loaded cost the questions, not the diagnosis. */
async function readToolsOf({ log }: Desk, { readTools }: Room): Promise<Awaited<ReturnType<Room["readTools"]>>> {
  try {
    return await readTools();
  } catch (error) {
    log.error({ err: error }, "the room's read tools can't be loaded");
    return [];
  }
}

/** Why a job makes no sense any more, as its ticket stands now. */
async function mootnessOf(tickets: Bucket<Ticket>, job: Job): Promise<string | undefined> {
  const ticket = await ticketOf(tickets, job);
  const sense = ticket ? senseOf(job, ticket) : "go";
  return typeof sense === "object" ? sense.moot : undefined;
}

function aboutOf({ instance }: Desk, { subject, ticket, attempt }: Job) {
  return { subject, ticket, attempt, by: instance, atMs: Date.now() };
}

async function finish(desk: Desk, job: Job, result: Result): Promise<void> {
  const { stored } = await publish(desk.bus, { phase: "finished", ...aboutOf(desk, job), result });
  desk.log.info(
    { ticket: job.ticket, attempt: job.attempt, result: result.kind, stored, ...wordsOf(result) },
    "diagnosed",
  );
}

function publish(bus: Bus, event: Parameters<(typeof flow.diagnosis)["id"]>[0]) {
  return bus.publish(flow.diagnosis, event);
}

/** What a result comes to, for the log. */
function wordsOf(result: Result): Record<string, unknown> {
  if (result.kind === "failed") return { code: result.code, why: result.message };
  const { answer, engine, cost } = result.diagnosis;
  const words = { headline: answer.headline, engine, ...(cost && { usd: cost.usd }) };
  return result.kind === "done" ? words : { ...words, codes: result.rejections.map(({ code }) => code) };
}
