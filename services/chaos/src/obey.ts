import { Passing, Terminal } from "@operator/bus/failure";
import type { Received } from "@operator/bus/received";
import { type ChaosCommand, type FaultEvent, HaltLever } from "@operator/contracts/chaos";
import { TargetName } from "@operator/contracts/names";
import type { ServiceContext } from "@operator/service/service-context";
import type { Resolved } from "@operator/subject/fault";
import { SupervisorError } from "@operator/supervisor/supervisor-error";
import { type Asked, decide, type Granted, type Refused } from "./decide.ts";
import type { Desk } from "./desk.ts";
import { injectWithinMs, resolveWithinMs, revertWithinMs } from "./due.ts";
import { inject, revert } from "./effect.ts";
import { failureOf, firstEvent, laterEvent } from "./events.ts";
import type { FaultRecord } from "./fault-record.ts";

/** Another instance may be about to write that the fault begins. */
const lateMs = 500;
const triesMax = 3;

type Command = Received<ChaosCommand> & { deliveries: number };
type Context = Pick<ServiceContext, "log" | "instance">;

/** Carries out a command. Done again it does nothing twice: what was begun, refused or halted is in the journal and the bucket. */
export async function obey(desk: Desk, context: Context, command: Command, signal: AbortSignal): Promise<void> {
  const { message, sequence, storedAtMs } = command;
  if ("fault" in message) return await make(desk, context, message, sequence, signal);
  if ("revert" in message) return await takeBack(desk, message, command.deliveries);
  const { halt: halted, by = "unnamed", reason = "" } = message;
  const lever = await desk.lever.move(HaltLever.parse({ halted, by, reason, atMs: storedAtMs, sequence }));
  context.log.info({ ...lever }, lever.halted ? "halted" : "not halted");
}

/** The last delivery: says of a fault that never began that nobody could make it. */
export async function giveUp({ journal }: Desk, { message, sequence }: Received<ChaosCommand>): Promise<void> {
  if (!("fault" in message)) return;
  const text = "no instance of chaos could carry it out; the command is a dead letter";
  const event = firstEvent(message, sequence, "refused", { code: "DELIVERIES_EXHAUSTED", text });
  if (!(await journal.beginning(event))) await journal.write(event);
}

/** What follows up the journal does it: the word alone is written here. */
async function takeBack(
  { journal, catalogue }: Desk,
  { revert: id, by = "unnamed" }: Extract<ChaosCommand, { revert: unknown }>,
  deliveries: number,
): Promise<void> {
  const open = journal.open().filter(({ began }) => began.id === id);
  for (const { began } of open) await journal.write(laterEvent(began, "reverting", { by, text: `${by} asked for it` }));
  if (open.length > 0) return;
  for (const subject of catalogue.keys()) if (await journal.stored(subject, id, "reverted")) return;
  const running = journal.open().map(({ began }) => began.id);
  const text = `there is no fault "${id}" to revert; running: ${running.join(", ") || "none"}`;
  if (deliveries < triesMax) throw new Passing(lateMs, text);
  throw new Terminal("FAULT_UNKNOWN", text);
}

async function make(desk: Desk, context: Context, asked: Asked, sequence: number, signal: AbortSignal): Promise<void> {
  const { journal } = desk;
  const about = firstEvent(asked, sequence, "injecting", { text: "" });
  const known = await journal.beginning(about);
  if (known) return refuseOther(about, known);
  const resolved = await whoIs(desk, asked, signal);
  if (resolved?.kind === "refused") return void (await journal.write(firstEvent(asked, sequence, "refused", resolved)));
  const first = await consider(desk, asked, resolved, journal.open(), signal);
  if (first.kind === "refused") return void (await journal.write(firstEvent(asked, sequence, "refused", first)));
  const { parameters, ttlMs, text } = first;
  const plan = { ...namesOf(asked, resolved), parameters, ttlMs, text };
  if (asked.dryRun) return void (await journal.write(firstEvent(asked, sequence, "planned", plan)));

  const endsAtMs = Date.now() + ttlMs;
  // With the instance's name no two instances write the same, and each knows its own.
  const undo = resolved?.undo === undefined ? {} : { undo: resolved.undo };
  const told = { ...plan, ...undo, endsAtMs, text: `${text}; ${context.instance} is about to do it` };
  const began = firstEvent(asked, sequence, "injecting", told);
  const place = await journal.claim(began);
  if (place === undefined) return;
  // Faults that began at the same time, and a halt, are seen by now: the later one gives way.
  const earlier = journal.open().filter((other) => other.sequence < place);
  const again = await consider(desk, asked, resolved, earlier, signal);
  if (again.kind === "refused") {
    await journal.write(laterEvent(began, "failed", again));
    await journal.write(laterEvent(began, "reverted", { text: "nothing was done" }));
  } else await effect(desk, again, began, signal);
}

/** An id is of one fault: another one under it would be lost in silence. */
function refuseOther(about: FaultEvent, known: FaultEvent): void {
  if (about.fault === known.fault && about.target === (known.asked ?? known.target)) return;
  throw new Terminal(
    "FAULT_CONTRADICTS",
    `fault "${known.id}" was ${known.fault} of ${known.asked ?? known.target} before, and is asked for as ${about.fault} of ` +
      `${about.target}: draw another id`,
  );
}

/** Who the target is, where the fault looks that up. Undefined: it doesn't, or the target is none of its own. */
async function whoIs(
  { catalogue, hands }: Desk,
  { subject, fault: name, target }: Asked,
  signal: AbortSignal,
): Promise<({ kind: "resolved" } & Resolved) | Refused | undefined> {
  const fault = catalogue.get(subject)?.find((one) => one.name === name);
  if (!fault?.resolve) return undefined;
  try {
    const members = await hands.supervisor.list(signal);
    if (!fault.targets(members).includes(target)) return undefined;
    const within = AbortSignal.any([signal, AbortSignal.timeout(resolveWithinMs)]);
    return { kind: "resolved", ...(await fault.resolve(target, members, hands, within)) };
  } catch (error) {
    signal.throwIfAborted();
    return { kind: "refused", ...failureOf(error) };
  }
}

/** How the journal names the target: as what it is, as it was asked for, as the loop calls it. */
function namesOf(asked: Asked, { target, observedAs }: Partial<Resolved> = {}) {
  return {
    ...(target !== undefined && target !== asked.target && { target: TargetName.parse(target), asked: asked.target }),
    ...(observedAs !== undefined && { observedAs: TargetName.parse(observedAs) }),
  };
}

async function consider(
  { catalogue, lever, hands }: Desk,
  asked: Asked,
  resolved: Resolved | undefined,
  open: readonly FaultRecord[],
  signal: AbortSignal,
): Promise<Granted | Refused> {
  try {
    const members = await hands.supervisor.list(signal);
    const ofSubject = open.filter(({ began }) => began.subject === asked.subject);
    return decide(asked, { catalogue, members, open: ofSubject, lever: await lever.read(), resolved });
  } catch (error) {
    if (!(error instanceof SupervisorError)) throw error;
    return { kind: "refused", code: error.code, text: error.message };
  }
}

/** Makes it and says so. A failure may have left half an effect: it's taken back by whoever follows up the journal. */
async function effect({ journal, hands }: Desk, { fault }: Granted, began: FaultEvent, signal: AbortSignal) {
  const within = (ms: number) => AbortSignal.any([signal, AbortSignal.timeout(ms)]);
  const event = await inject(fault, began, hands, within(injectWithinMs)).then(
    (injected) => laterEvent(began, "injected", injected),
    (error: unknown) => laterEvent(began, "failed", failureOf(error)),
  );
  await journal.write(event);
  // One that was frozen for so long that it counted as dead made its effect after it had been taken back.
  if (!journal.record(began)) {
    const since = event.phase === "injected" ? { injected: event } : {};
    await revert(fault, { began, sequence: 0, since }, hands, within(revertWithinMs));
  }
}
