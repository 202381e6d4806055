import { setTimeout as sleep } from "node:timers/promises";
import { connect, type NatsConnection } from "@nats-io/transport-node";
import type { UserName } from "@operator/contracts/channel";
import { Command } from "@operator/contracts/command";
import { Job } from "@operator/contracts/job";
import { InstanceName } from "@operator/contracts/names";
import { Snapshot } from "@operator/contracts/snapshot";
import { ticketIdOf } from "@operator/contracts/ticket-id";
import { Violation } from "@operator/contracts/violation";
import { Bus, type BusOptions } from "./bus.ts";

/** Where a test server is and how to get in. */
export interface Place {
  url: string;
  passwords: Record<UserName, string>;
}

export function connectAs(place: Place, user: UserName, options: Partial<BusOptions> = {}): Promise<Bus> {
  return Bus.connect({
    servers: place.url,
    user,
    password: place.passwords[user],
    instance: InstanceName.parse(`${user}-test`),
    ...options,
  });
}

/** A connection without this library: what a hostile or a foreign client sends. */
export function connectRaw(place: Place, user: UserName): Promise<NatsConnection> {
  return connect({ servers: place.url, user, pass: place.passwords[user], inboxPrefix: `_INBOX_${user}` });
}

export function snapshotOf(subject: string, n: number, parts: Record<string, Record<string, string>> = {}): Snapshot {
  return Snapshot.parse({ subject, epoch: 1, n, atMs: n, cause: "rhythm", sources: {}, parts });
}

export function violationOf(subject: string, target: string, asOf: number): Violation {
  return Violation.parse({
    subject,
    invariant: "node_down",
    target,
    state: "firing",
    severity: "critical",
    asOf,
    sinceMs: 1,
    changedAtMs: 1,
    occurrences: asOf,
    summary: "it is down",
    detail: { kind: "unreachable", how: "refused", silentMs: 0 },
    explainedBy: [],
    mayBeExplained: false,
    comebacks: 0,
  });
}

export function jobOf(target: string, severity: "critical" | "warning" = "critical"): Job {
  const ticket = ticketIdOf({ subject: "s", invariant: "node_down", target, generation: 1 });
  return Job.parse({ subject: "s", ticket, attempt: 1, severity, queuedAtMs: 1, why: "first-seen" });
}

export function commentOf(text: string, id: string): Command {
  const ticket = ticketIdOf({ subject: "s", invariant: "node_down", target: "a", generation: 1 });
  return Command.parse({ kind: "comment", id, subject: "s", ticket, by: "ann", atMs: 1, text });
}

/** Waits until something is true, for 20 s at most. */
export async function until(condition: () => boolean | Promise<boolean>, about = ""): Promise<void> {
  const deadline = performance.now() + 20_000;
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error(`didn't come true in 20 s: ${about || condition.toString()}`);
    await sleep(10);
  }
}
