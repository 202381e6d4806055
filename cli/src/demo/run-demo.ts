import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { renderDiagnosis } from "@operator/evidence/render";
import { CliError } from "../cli-error.ts";
import { Stack } from "@operator/stack/stack";
import type { Action } from "@operator/contracts/action";
import type { VerdictLine } from "@operator/contracts/verdicts";
import { loadRoom } from "@operator/subject/load";
import type { Fault, Member } from "@operator/subject/fault";
import type { Scenario } from "@operator/subject/scenario";
import { ThrowAwayApprover } from "./approver.ts";
import type { Outcome } from "./outcome.ts";
import type { Page } from "./page.ts";
import { type PlannedFault, runScenario } from "./scenario.ts";
import { type Seen, watch } from "./watch.ts";

export interface DemoPlan {
  subject: string;
  /** Faults and scenarios by name, as the room has them; absent: the room's own story. */
  scenarios?: string[];
  /** The diagnoser's settings, e.g. the key with which it asks Claude. */
  diagnoser: Record<string, string>;
  /** Asks a person whether an action is to be done; absent: the demo approves by itself. */
  ask?: (question: string) => Promise<boolean>;
  /** Stay up after the story until the signal. */
  keep: boolean;
  /** Where the connection is written for other commands, for as long as the demo runs. */
  contextFile: string;
  page: Page;
  signal: AbortSignal;
}

/** Starts everything, breaks members one after the other, tells what the operator makes of it. True when every claim held. */
export async function runDemo(plan: DemoPlan): Promise<boolean> {
  const { page, signal } = plan;
  const started = performance.now();
  const { faults: known, scenarios: composed, story, graceScale = 1 } = await loadRoom(plan.subject, "faults");
  const chosen = (plan.scenarios ?? story).map((name) => scenarioOf(name, known, composed));
  using approver = new ThrowAwayApprover();
  await using stack = await Stack.start({
    subject: plan.subject,
    counts: { actuator: 1, chaos: 1 },
    graceScale,
    environment: { actuator: { OPERATOR_APPROVERS_FILE: approver.file }, diagnoser: plan.diagnoser },
    onUp: page.up,
  });
  const members = [...stack.kinds].map(([target, kind]): Member => ({ target, kind, state: "running" }));
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
    await approver.execute(bus);
    const decide = async (action: Action) => {
      const { proposal, risk } = action;
      const what = `${proposal.action} of ${proposal.target} ${JSON.stringify(proposal.parameters)}, risk ${risk}`;
      const isApproved = plan.ask ? await plan.ask(`approve ${what}? ${proposal.why} [y/N] `) : true;
      if (isApproved) await approver.approve(bus, action);
      return isApproved;
    };
    const listeners = new Set<(seen: Seen) => void>();
    const subscribe = (listener: (seen: Seen) => void) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    };
    const reading = new AbortController();
    const ended = watch(bus, plan.subject, AbortSignal.any([signal, reading.signal]), (seen) => {
      for (const listener of listeners) listener(seen);
    });
    // Awaited in the end; until then its failure must not hide another's.
    ended.catch(() => {});
    page.ready({
      natsUrl: url,
      watchPassword: passwords.watch,
      folder: stack.folder,
      subject: plan.subject,
      ms: Math.round(performance.now() - started),
    });

    if (graceScale !== 1)
      page.note(`graces and hold-downs are multiplied by ${graceScale}: some are minutes by default`);
    const outcomes: Outcome[] = [];
    for (const scenario of chosen) {
      if (signal.aborted) break;
      const unwell = await untilWell(subscribe, signal);
      if (unwell.length > 0) throw new Error(notWell(plan.subject, unwell));
      const faults = scenario.faults.flatMap((each) => plannedOf(each, known, members));
      page.scenario(scenario.name, faults);
      let faultMs: number | undefined;
      const outcome = await runScenario({
        scenario: scenario.name,
        expects: scenario.expects,
        faults,
        subject: plan.subject,
        bus,
        subscribe,
        decide,
        story: {
          tell: ({ atMs, ...event }) => {
            faultMs ??= atMs;
            page.event({ sinceFaultMs: atMs - faultMs, ...event });
          },
        },
        signal,
      });
      if (signal.aborted) break;
      const { diagnoses, ...said } = outcome;
      for (const diagnosis of diagnoses) page.page(renderDiagnosis(diagnosis));
      page.outcome(said);
      outcomes.push(said);
    }
    const ok = outcomes.length === chosen.length && outcomes.every((outcome) => outcome.ok);
    if (!signal.aborted) page.summary({ ok, scenarios: outcomes });
    if (plan.keep && !signal.aborted) {
      page.note(
        `\nstaying up until Ctrl-C; faults: ${known.map(({ name }) => name).join(", ")} (operator chaos inject)`,
      );
      await wait(2 ** 31 - 1, undefined, { signal }).catch(() => {});
    }
    reading.abort();
    await ended.catch(() => {});
    return ok;
  } finally {
    rmSync(plan.contextFile, { force: true });
  }
}

/** Long enough that what mends it sooner is the operator; what nobody can take back ends by itself, and soon. */
function ttlOf(fault: Fault): number {
  const endsOnlyByItself = fault.by === "api" && !fault.revert;
  return endsOnlyByItself ? fault.ttlMs.default : Math.min(120_000, fault.ttlMs.max);
}

/** A scenario by its name: one of several faults, or a fault alone. */
function scenarioOf(name: string, known: Fault[], composed: Scenario[]): Scenario {
  const found = composed.find((scenario) => scenario.name === name);
  if (found) return found;
  const fault = known.find((each) => each.name === name);
  if (fault) return { name, title: fault.title, faults: [{ fault: name }], expects: "roots" };
  const names = [...known, ...composed].map((each) => each.name).join(", ");
  throw new CliError("FAULT_UNKNOWN", `no fault or scenario "${name}": there are ${names}`);
}

/** A fault at its place in this subject; none where the room has no such target. */
function plannedOf(
  { fault: name, at = 0, force = false }: Scenario["faults"][number],
  known: Fault[],
  members: Member[],
): PlannedFault[] {
  const fault = known.find((each) => each.name === name);
  const target = fault?.targets(members)[at];
  return fault && target !== undefined ? [{ fault: name, target, cause: fault.cause, ttlMs: ttlOf(fault), force }] : [];
}

const wellTimes = 3;
/** After a change of a leader somewhere a subject may need a minute and more to know itself again. */
const wellWithinMs = 150_000;

/**
 * Waits until the same lines are all ok, three verdicts in a row: breaking what is broken already would prove nothing. Resolves
 * with what isn't ok when the time is over.
 */
async function untilWell(
  subscribe: (listener: (seen: Seen) => void) => () => void,
  signal: AbortSignal,
): Promise<VerdictLine[]> {
  const { promise, resolve } = Promise.withResolvers<VerdictLine[]>();
  let well = { lines: 0, times: 0 };
  let unwell: VerdictLine[] = [];
  const unsubscribe = subscribe((seen) => {
    if (seen.kind !== "verdicts") return;
    const { lines } = seen.message;
    unwell = lines.filter(({ state }) => state !== "ok");
    const isWell = lines.length > 0 && unwell.length === 0;
    const times = isWell ? (well.lines === lines.length ? well.times + 1 : 1) : 0;
    well = { lines: lines.length, times };
    if (times === wellTimes) resolve([]);
  });
  const timer = setTimeout(() => resolve(unwell), wellWithinMs);
  const stopped = () => resolve([]);
  signal.addEventListener("abort", stopped, { once: true });
  try {
    return await promise;
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", stopped);
    unsubscribe();
  }
}

function notWell(subject: string, unwell: VerdictLine[]): string {
  const lines = unwell.map((line) => `  ${line.invariant} of ${line.target} is ${line.state}: ${line.reason}`);
  return [`${subject} didn't become well within ${wellWithinMs / 1_000} s:`, ...lines].join("\n");
}
