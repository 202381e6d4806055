import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { renderDiagnosis } from "@operator/evidence/render";
import { Stack } from "@operator/stack/stack";
import { faultNamed, faultsOf } from "./fault.ts";
import type { Page } from "./page.ts";
import { type Outcome, runScenario } from "./scenario.ts";
import { type Seen, watch } from "./watch.ts";

export interface DemoPlan {
  subject: string;
  /** Faults by name; the stack says which there are. */
  faults: string[];
  /** Stay up after the story until the signal. */
  keep: boolean;
  /** Where the connection is written for other commands, for as long as the demo runs. */
  contextFile: string;
  page: Page;
  signal: AbortSignal;
}

/** Starts everything, breaks members one after the other, tells what the loop makes of it. True when every claim held. */
export async function runDemo(plan: DemoPlan): Promise<boolean> {
  const { page, signal } = plan;
  const started = performance.now();
  await using stack = await Stack.start({ subject: plan.subject, onUp: page.up });
  const faults = plan.faults.map((name) => faultNamed(stack, name));
  const { url, passwords } = stack.nats;
  mkdirSync(dirname(plan.contextFile), { recursive: true });
  writeFileSync(
    plan.contextFile,
    JSON.stringify({
      url,
      passwords: { cli: passwords.cli, watch: passwords.watch, provision: passwords.provision },
      subjects: [plan.subject],
    }),
    { mode: 0o600 },
  );
  try {
    const bus = await stack.connect("cli");
    const listeners = new Set<(seen: Seen) => void>();
    const subscribe = (listener: (seen: Seen) => void) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    };
    const reading = new AbortController();
    const ended = watch(bus, plan.subject, AbortSignal.any([signal, reading.signal]), (seen) => {
      for (const listener of listeners) listener(seen);
    });
    page.ready({
      natsUrl: url,
      watchPassword: passwords.watch,
      folder: stack.folder,
      subject: plan.subject,
      ms: Math.round(performance.now() - started),
    });

    const outcomes: Outcome[] = [];
    for (const fault of faults) {
      if (signal.aborted) break;
      if (!(await allWell(subscribe, [...stack.members.keys()], signal)))
        throw new Error(`${plan.subject} didn't become well within 60 s: see ${stack.folder}/logs`);
      page.scenario(fault.name, fault.target);
      let faultMs: number | undefined;
      const outcome = await runScenario(
        fault,
        subscribe,
        {
          tell: ({ atMs, ...event }) => {
            faultMs ??= atMs;
            page.event({ sinceFaultMs: atMs - faultMs, ...event });
          },
        },
        signal,
      );
      if (signal.aborted) break;
      if (outcome.diagnosis) page.page(renderDiagnosis(outcome.diagnosis));
      const { diagnosis: _, ...said } = outcome;
      page.outcome(said);
      outcomes.push(said);
    }
    const ok = outcomes.length === faults.length && outcomes.every((outcome) => outcome.ok);
    if (!signal.aborted) page.summary({ ok, scenarios: outcomes });
    if (plan.keep && !signal.aborted) {
      page.note(`\nstaying up until Ctrl-C; faults that the demo knows: ${faultsOf(stack).join(", ")}`);
      await wait(2 ** 31 - 1, undefined, { signal }).catch(() => {});
    }
    reading.abort();
    await ended.catch(() => {});
    return ok;
  } finally {
    rmSync(plan.contextFile, { force: true });
  }
}

/** Waits until every member is judged and each line is ok: breaking what is broken already would prove nothing. */
async function allWell(
  subscribe: (listener: (seen: Seen) => void) => () => void,
  members: string[],
  signal: AbortSignal,
): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const unsubscribe = subscribe((seen) => {
    if (seen.kind !== "verdicts") return;
    const { lines } = seen.message;
    const judged = new Set<string>(lines.map(({ target }) => target));
    if (members.every((member) => judged.has(member)) && lines.every(({ state }) => state === "ok")) resolve(true);
  });
  const timer = setTimeout(() => resolve(false), 60_000);
  const stopped = () => resolve(false);
  signal.addEventListener("abort", stopped, { once: true });
  try {
    return (await promise) || signal.aborted;
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", stopped);
    unsubscribe();
  }
}
