import type { Bucket } from "@operator/bus/bucket";
import type { Bus } from "@operator/bus/bus";
import { BusError } from "@operator/bus/failure";
import { readInOrder } from "@operator/bus/read-in-order";
import { patternOf } from "@operator/contracts/channel";
import { flow } from "@operator/contracts/flow";
import type { Job } from "@operator/contracts/job";
import type { Ticket } from "@operator/contracts/ticket";
import type { Verdicts } from "@operator/contracts/verdicts";
import type { EvidenceReference } from "@operator/contracts/violation";
import type { Kept } from "@operator/evidence/facts";
import { Timeline } from "@operator/evidence/timeline";
import { timelineBeforeMs } from "@operator/evidence/validate";
import type { StateChange } from "@operator/subject/case-file";
import { actionsBefore } from "./recent-actions.ts";
import type { Gathered } from "./case.ts";
import { similarTo } from "./similar.ts";

/** Verdicts come once a second. */
const verdictsMax = 600;
const verdictsWithinMs = 5_000;
/** Of two subjects, each a little more often than once a second; and some more, as clocks differ. */
const verdictsPerSecond = 2.5;
const verdictsMore = 20;
/** Of a thousand targets verdicts have megabytes. */
const verdictsAtOnce = 16;

/** Evidence that a violation names and that isn't there: it may be late. */
export class EvidenceMissing extends Error {
  constructor(address: string, why: string) {
    super(`${address}: ${why}`);
    this.name = "EvidenceMissing";
  }
}

/** Reads what a diagnosis rests on. Throws `EvidenceMissing` when the first bad snapshot that the violation names can't be had. */
export async function gather(
  bus: Bus,
  tickets: Bucket<Ticket>,
  job: Job,
  ticket: Ticket,
  signal: AbortSignal,
): Promise<Gathered> {
  const { violation } = ticket;
  const missing: string[] = [];
  const firstBad = violation.firstBad && (await keptOf(bus, job.subject, violation.firstBad));
  if (violation.firstBad && !firstBad) throw new EvidenceMissing(violation.firstBad.address, "not in EVIDENCE");
  if (!firstBad) missing.push("the first bad snapshot: the violation names none");
  const lastGood = violation.lastGood && (await keptOf(bus, job.subject, violation.lastGood));
  if (!violation.lastGood) missing.push("the last good snapshot: the checker had none from before the breach");
  else if (!lastGood) missing.push(`the last good snapshot: ${violation.lastGood.address} is not in EVIDENCE`);
  const fromMs = violation.sinceMs - timelineBeforeMs;
  const read = await verdictsOf(bus, job.subject, fromMs, signal);
  const verdicts = read.newest;
  const others = verdicts?.lines.filter(({ invariant }) => invariant === ticket.invariant).map(({ target }) => target);
  const similar = await similarTo(tickets, ticket, others ?? []);
  if (read.why !== undefined) missing.push(`the verdicts around the breach: ${read.why}`);
  else if (read.earliestMs !== undefined && read.earliestMs > violation.sinceMs) {
    missing.push("the verdicts at the breach: they are older than those that were read");
  }
  const { actions, why } = await actionsBefore(bus, job.subject, Date.now(), signal);
  if (why !== undefined) missing.push(`what was done within the last hour: ${why}`);
  const timeline = read.changes.filter(({ atMs }) => atMs >= fromMs);
  return { job, ticket, firstBad, lastGood, verdicts, timeline, similar, actions, missing };
}

/** The snapshot that a violation refers to, undefined when it isn't there or isn't evidence of this subject. */
async function keptOf(bus: Bus, subject: string, { address }: EvidenceReference): Promise<Kept | undefined> {
  const [prefix = ""] = patternOf(flow.evidence, { subject }).split("*");
  if (!address.startsWith(prefix) || !/^\d+$/.test(address.slice(prefix.length))) return undefined;
  try {
    const received = await bus.last(flow.evidence, address);
    return received && { address, snapshot: received.message };
  } catch (error) {
    if (!(error instanceof BusError) || error.code.startsWith("BUS_")) throw error;
    // What is stored there is no evidence: the same as nothing.
    throw new EvidenceMissing(address, error.message);
  }
}

interface VerdictsRead {
  newest?: Verdicts;
  earliestMs?: number;
  changes: StateChange[];
  /** Why there may have been more. */
  why?: string;
}

/** A subject's verdicts since then, in bounded number and time, none but the newest kept. What fails costs the timeline, not the diagnosis. */
async function verdictsOf(bus: Bus, subject: string, fromMs: number, signal: AbortSignal): Promise<VerdictsRead> {
  const timeline = new Timeline();
  const read: VerdictsRead = { changes: timeline.changes };
  const limit = AbortSignal.any([signal, AbortSignal.timeout(verdictsWithinMs)]);
  const count = Math.min(verdictsMax, Math.ceil(((Date.now() - fromMs) / 1_000) * verdictsPerSecond) + verdictsMore);
  try {
    const { firstSequence, lastSequence } = await bus.streamState(flow.verdicts.stream);
    if (lastSequence < firstSequence) return read;
    const after = Math.max(firstSequence - 1, lastSequence - count);
    const options = { given: { subject }, from: { after }, signal: limit, batchMax: verdictsAtOnce };
    for await (const batch of readInOrder(bus, flow.verdicts, options)) {
      for (const { message } of batch.received) {
        read.newest = message;
        read.earliestMs ??= message.asOf;
        if (message.asOf >= fromMs) timeline.take(message);
      }
      if (batch.caughtUp || batch.lastSequence >= lastSequence) return read;
    }
    return { ...read, why: `not read within ${verdictsWithinMs} ms` };
  } catch (error) {
    return { ...read, why: error instanceof Error ? error.message : String(error) };
  }
}
