import { type ChaosCommand, FaultEvent, type HaltLever } from "@operator/contracts/chaos";
import { TargetName } from "@operator/contracts/names";
import type { Fault, Member, Resolved } from "@operator/subject/fault";
import { z } from "zod";
import type { FaultRecord } from "./fault-record.ts";
import { notFound } from "./nearest.ts";

/** A command that asks for a fault. */
export type Asked = Extract<ChaosCommand, { fault: string }>;

/** What a decision looks at. */
export interface Situation {
  /** The faults of each subject that this instance may touch. */
  catalogue: ReadonlyMap<string, readonly Fault[]>;
  /** The members that the supervisor lists: nothing else is labelled, and nothing else is touched. */
  members: Member[];
  /** Faults of the same subject that may have an effect. */
  open: readonly FaultRecord[];
  lever: HaltLever;
  /** Who the command's target is, by the fault's own `resolve`. */
  resolved?: Resolved | undefined;
}

export interface Refused {
  kind: "refused";
  code: string;
  text: string;
}

/** `text` says what is going to be done. */
export interface Granted {
  kind: "granted";
  fault: Fault;
  /** What is touched. */
  target: FaultEvent["target"];
  parameters: FaultEvent["parameters"];
  ttlMs: number;
  text: string;
}

/** Whether a fault is to be made as things are. Every refusal quotes the bad value and says what there is. */
export function decide(asked: Asked, { catalogue, members, open, lever, resolved }: Situation): Granted | Refused {
  const { subject, force = false } = asked;
  if (lever.halted) {
    const why = lever.reason === "" ? "" : ` (${lever.reason})`;
    return refused("HALTED", `chaos was halted by ${lever.by}${why}: send {"halt": false} to lift it`);
  }
  const faults = catalogue.get(subject);
  if (!faults) return refused("SUBJECT_UNKNOWN", notFound("subject", subject, [...catalogue.keys()]));
  const fault = faults.find(({ name }) => name === asked.fault);
  if (!fault) {
    const names = faults.map(({ name }) => name);
    return refused("FAULT_UNKNOWN", notFound(`fault of ${subject}`, asked.fault, names));
  }
  const targets = fault.targets(members);
  if (!targets.includes(asked.target)) {
    return refused("TARGET_UNKNOWN", notFound(`target of ${fault.name}`, asked.target, targets));
  }
  const target = TargetName.parse(resolved?.target ?? asked.target);
  const ttlMs = asked.ttlMs ?? fault.ttlMs.default;
  if (ttlMs > fault.ttlMs.max) {
    return refused("BAD_TIME", `ttlMs is ${ttlMs}: ${fault.name} may last ${fault.ttlMs.max} ms at most`);
  }
  const parameters = parametersOf(fault, asked.parameters ?? {});
  if (!parameters.success) {
    const given = JSON.stringify(asked.parameters ?? {}).slice(0, 200);
    return refused("BAD_PARAMETERS", `parameters are ${given}: ${z.prettifyError(parameters.error)}`);
  }
  const holder = open.find(({ began }) => began.target === target);
  if (holder) {
    const { id, fault: other } = holder.began;
    return refused("FAULT_RUNNING", `${target} is under fault "${id}" (${other}): wait for its end, or revert it`);
  }
  const state = members.find((member) => member.target === target)?.state;
  if (fault.by === "supervisor" && state !== "running") {
    return refused("NOT_RUNNING", `${target} is ${state}: there is nothing to ${fault.verb}`);
  }
  const breaks = fault.breaks(target, underFaults(members, open));
  if (breaks !== undefined && !force) {
    return refused("QUORUM", `${fault.name} of ${target}: ${breaks}; "force": true does it all the same`);
  }
  const forced = breaks === undefined ? "" : `, forced though ${breaks}`;
  const text = `${fault.title}: ${fault.name} of ${target} for ${ttlMs} ms${forced}`;
  return { kind: "granted", fault, target, parameters: parameters.data, ttlMs, text };
}

/** The members with what open faults are about to do to them, so that two that begin together don't both count on the other's. */
function underFaults(members: Member[], open: readonly FaultRecord[]): Member[] {
  const held = new Set<string>(open.map(({ began }) => began.target));
  return members.map((member) =>
    member.state === "running" && held.has(member.target) ? { ...member, state: "paused" } : member,
  );
}

/** As the fault's own schema reads them, defaults included; a fault by the supervisor has none. */
function parametersOf(fault: Fault, given: FaultEvent["parameters"]) {
  const schema = fault.by === "api" ? fault.parameters : z.strictObject({});
  return z.pipe(schema, FaultEvent.shape.parameters).safeParse(given);
}

function refused(code: string, text: string): Refused {
  return { kind: "refused", code, text };
}
