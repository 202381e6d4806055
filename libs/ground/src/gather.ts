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
import { stateChangesOf } from "@operator/evidence/timeline";
import { timelineBeforeMs } from "@operator/evidence/validate";
import { actionsBefore } from "./recent-actions.ts";
import type { Gathered } from "./case.ts";
import { similarTo } from "./similar.ts";

/** Verdicts come once a second: ten minutes of one subject. */
const verdictsMax = 600;
const verdictsWithinMs = 5_000;

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
  const read = await verdictsOf(bus, job.subject, signal);
  const verdicts = read.verdicts.at(-1);
  const others = verdicts?.lines.filter(({ invariant }) => invariant === ticket.invariant).map(({ target }) => target);
  const similar = await similarTo(tickets, ticket, others ?? []);
  const around = read.verdicts.filter(({ asOf }) => asOf >= fromMs);
  const earliest = read.verdicts[0];
  if (read.why !== undefined) missing.push(`the verdicts around the breach: ${read.why}`);
  else if (earliest && earliest.asOf > violation.sinceMs) {
    missing.push("the verdicts at the breach: they are older than those that were read");
  }
  const { actions, why } = await actionsBefore(bus, job.subject, Date.now(), signal);
  if (why !== undefined) missing.push(`what was done within the last hour: ${why}`);
  const timeline = stateChangesOf(around).filter(({ atMs }) => atMs >= fromMs);
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

/** The newest verdicts of a subject, oldest first, in bounded number and time. What fails costs the timeline, not the diagnosis. */
async function verdictsOf(
  bus: Bus,
  subject: string,
  signal: AbortSignal,
): Promise<{ verdicts: Verdicts[]; why?: string }> {
  const verdicts: Verdicts[] = [];
  const limit = AbortSignal.any([signal, AbortSignal.timeout(verdictsWithinMs)]);
  try {
    const { firstSequence, lastSequence } = await bus.streamState(flow.verdicts.stream);
    if (lastSequence < firstSequence) return { verdicts };
    const after = Math.max(firstSequence - 1, lastSequence - verdictsMax);
    for await (const batch of readInOrder(bus, flow.verdicts, { given: { subject }, from: { after }, signal: limit })) {
      verdicts.push(...batch.received.map(({ message }) => message));
      if (batch.caughtUp || batch.lastSequence >= lastSequence || verdicts.length >= verdictsMax) return { verdicts };
    }
    return { verdicts, why: `not read within ${verdictsWithinMs} ms` };
  } catch (error) {
    return { verdicts, why: error instanceof Error ? error.message : String(error) };
  }
}
