import { failpoint } from "@operator/bus/failpoint";
import type { FaultEvent } from "@operator/contracts/chaos";
import type { Json } from "@operator/contracts/json";
import type { Fault, FaultHands } from "@operator/subject/fault";
import type { ChaosClient } from "@operator/supervisor/client";
import { SupervisorError } from "@operator/supervisor/supervisor-error";
import { injectWithinMs } from "./due.ts";
import { endsAtMsOf, type FaultRecord } from "./fault-record.ts";

/** What a fault is made with. */
export interface Hands extends FaultHands {
  supervisor: ChaosClient;
}

/** Makes a fault. With the supervisor the same id is the same fault; with an API it's made once by who claimed it. */
export async function inject(
  fault: Fault,
  { id, target, ttlMs, parameters }: FaultEvent,
  hands: Hands,
  signal: AbortSignal,
): Promise<{ endsAtMs: number; undo?: Json; text: string }> {
  return await failpoint(`inject:${fault.name}`, async () => {
    if (fault.by === "supervisor") {
      const order = { fault: id, forMs: ttlMs };
      const { verb } = fault;
      const answer =
        verb === "disconnect"
          ? await hands.supervisor.disconnect(target, { ...order, network: fault.network }, signal)
          : await hands.supervisor[verb](target, order, signal);
      return { endsAtMs: answer.fault.endsAtMs, text: `the supervisor did ${verb} ${target}` };
    }
    const read = fault.parameters.parse(parameters);
    const { undo } = await fault.inject({ target, parameters: read, ttlMs }, hands, signal);
    return { endsAtMs: Date.now() + ttlMs, undo, text: `${fault.name} was done to ${target}` };
  });
}

/** What is to be seen of a fault: `over` when it has ended by itself. */
export interface Sight {
  kind: "effective" | "nothing" | "over";
  text: string;
}

export async function look(fault: Fault, record: FaultRecord, hands: Hands, signal: AbortSignal): Promise<Sight> {
  const { id, target, parameters } = record.began;
  if (fault.by === "supervisor") {
    const member = (await hands.supervisor.list(signal)).find((one) => one.target === target);
    const cut = member?.networks?.cut ?? [];
    const off = cut.length === 0 ? "" : `, cut off ${cut.join(" and ")}`;
    const text = `the supervisor says that ${target} is ${member?.state ?? "no member"}${off}`;
    if (member?.fault?.id !== id) return { kind: "over", text: `${text}, and holds no fault "${id}" on it` };
    const isEffective =
      fault.verb === "disconnect"
        ? cut.includes(fault.network)
        : member.state === (fault.verb === "kill" ? "stopped" : "paused");
    return { kind: isEffective ? "effective" : "nothing", text };
  }
  if (Date.now() >= endsAtMsOf(record)) return { kind: "over", text: "it expired by itself" };
  if (record.since.proved) return { kind: "nothing", text: "it was proved before" };
  const proof = await fault.proof({ target, parameters: fault.parameters.parse(parameters) }, hands, signal);
  return proof === undefined ? { kind: "nothing", text: "no proof" } : { kind: "effective", text: proof };
}

/** Takes a fault back, and says how; undefined when it expires by itself and hasn't yet. Doing so again does no harm. */
export async function revert(
  fault: Fault,
  record: FaultRecord,
  hands: Hands,
  signal: AbortSignal,
): Promise<string | undefined> {
  const { began, since } = record;
  return await failpoint(`revert:${fault.name}`, async () => {
    if (fault.by === "supervisor") return await revertBySupervisor(began, hands, signal);
    if (!fault.revert) {
      // Without the injection's own word the fault may have begun as late as it could.
      const endsAtMs = endsAtMsOf(record) + (since.injected ? 0 : injectWithinMs);
      return Date.now() >= endsAtMs ? "it expired by itself" : undefined;
    }
    const parameters = fault.parameters.parse(began.parameters);
    const undo = since.injected?.undo ?? began.undo ?? null;
    await fault.revert({ target: began.target, parameters, undo }, hands, signal);
    return `${fault.name} of ${began.target} was taken back`;
  });
}

async function revertBySupervisor({ id, target }: FaultEvent, hands: Hands, signal: AbortSignal): Promise<string> {
  try {
    const { fault } = await hands.supervisor.revert(id, signal);
    return `the supervisor says that the fault of ${target} ended by ${fault.ended?.by ?? "revert"}`;
  } catch (error) {
    if (!(error instanceof SupervisorError && error.code === "FAULT_UNKNOWN")) throw error;
    return `the supervisor holds no fault "${id}": nothing was done, or its close reverted it`;
  }
}
