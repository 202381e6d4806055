import { goDuration, goTime } from "./go-text.ts";
import type { Region } from "./pd-cluster.ts";
import type { Step } from "./wire.ts";

export type OperatorStatus = "RUNNING" | "SUCCESS" | "CANCEL" | "TIMEOUT" | "REPLACED";

/** A change of one region that PD follows from step to step. */
export interface Operator {
  /** Who made it and what it is, e.g. `admin-transfer-leader`. */
  desc: string;
  /** E.g. `transfer leader: store 1 to 2`. */
  brief: string;
  /** E.g. `admin,leader`, as PD prints it, and as the number of its bits. */
  kind: string;
  regionId: number;
  epoch: { confVer: number; version: number };
  steps: Step[];
  /** Which of the steps is under way. */
  at: number;
  /** A real cluster's time, ms. */
  timeoutMs: number;
  createdAtMs: number;
  finishedAtMs?: number;
  status: OperatorStatus;
  /** A later one of a higher priority takes its place. */
  isAdmin: boolean;
}

const bits: Record<string, number> = {
  leader: 1,
  region: 2,
  split: 32,
  admin: 256,
  "hot-region": 8,
  replica: 16,
  merge: 64,
};

function kindBits(kind: string): number {
  return kind.split(",").reduce((sum, word) => sum | (bits[word] ?? 0), 0);
}

/** How long a real operator may take: a minute for a leader, ten for a peer. */
export function timeoutOf(steps: Step[]): number {
  return steps.reduce((sum, { kind }) => sum + (kind === "add-learner" ? 600_000 : 60_000), 0);
}

/** Whether the region is as this step wants it. */
export function isDone(step: Step, region: Region): boolean {
  const { meta, report } = region;
  const peerOn = (store: number) => meta.peers.find((peer) => peer.store === store);
  switch (step.kind) {
    case "transfer-leader":
      return report?.claim.leader === step.to;
    case "add-learner":
      return peerOn(step.peer.store) !== undefined;
    case "promote-learner":
      return peerOn(step.peer.store)?.role === "Voter";
    case "remove-peer":
      return peerOn(step.store) === undefined;
    case "split":
      break;
  }
  return meta.startKey === step.key;
}

/** PD's own text of an operator, as in `/operators`, `/operators/{region}` and its log. */
export function operatorText(operator: Operator, startedAtMs: number): string {
  const { desc, brief, kind, regionId, epoch, steps, at, timeoutMs, createdAtMs, status } = operator;
  const shown = steps.map((step, index) => `${index}:{${stepText(step)}}`).join(", ");
  const time = goTime(createdAtMs, startedAtMs);
  const ended: Partial<Record<OperatorStatus, string>> = { SUCCESS: " finished", TIMEOUT: " timeout" };
  return (
    `${desc} {${brief}} (kind:${kind}, region:${regionId}(${epoch.version}, ${epoch.confVer}), createAt:${time}, ` +
    `startAt:${time}, currentStep:${at}, size:1, steps:[${shown}], timeout:[${goDuration(timeoutMs)}])${ended[status] ?? ""}`
  );
}

export function statusText(operator: Operator, startedAtMs: number): string {
  return `status: ${operator.status}, operator: ${operatorText(operator, startedAtMs)}`;
}

export function recordText(operator: Operator, startedAtMs: number): string {
  const finishedAtMs = operator.finishedAtMs ?? operator.createdAtMs;
  const took = goDuration(finishedAtMs - operator.createdAtMs);
  return `${operatorText(operator, startedAtMs)} (finishAt:${goTime(finishedAtMs, startedAtMs)}, duration:${took})`;
}

export function operatorObject({ desc, brief, regionId, epoch, kind, timeoutMs }: Operator) {
  return {
    desc,
    brief,
    region_id: regionId,
    region_epoch: { conf_ver: epoch.confVer, version: epoch.version },
    kind: kindBits(kind),
    timeout: goDuration(timeoutMs),
    status: 1,
  };
}

function stepText(step: Step): string {
  switch (step.kind) {
    case "transfer-leader":
      return `transfer leader from store ${step.from} to store ${step.to}`;
    case "add-learner":
      return `add learner peer ${step.peer.id} on store ${step.peer.store}`;
    case "promote-learner":
      return `promote learner peer ${step.peer.id} on store ${step.peer.store} to voter`;
    case "remove-peer":
      return `remove peer on store ${step.store}`;
    case "split":
      break;
  }
  return "split region with policy APPROXIMATE";
}
