import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { renderDiagnosis } from "@operator/evidence/render";
import { CliError } from "../cli-error.ts";
import { Stack } from "@operator/stack/stack";
import type { Action } from "@operator/contracts/action";
import { loadRoom } from "@operator/subject/load";
import type { Fault, Member } from "@operator/subject/fault";
import type { Scenario } from "@operator/subject/scenario";
import { ThrowAwayApprover } from "./approver.ts";
import type { Outcome } from "./outcome.ts";
import type { Page } from "./page.ts";
import { type PlannedFault, runScenario } from "./scenario.ts";
import { untilWell } from "./until-well.ts";
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
  const { faults: known, scenarios: composed, story, timeScale = 1 } = await loadRoom(plan.subject, "faults");
  const chosen = (plan.scenarios ?? story).map((name) => scenarioOf(name, known, composed));
  using approver = new ThrowAwayApprover(timeScale);
  await using stack = await Stack.start({
    subject: plan.subject,
    counts: { actuator: 1, chaos: 1 },
    graceScale: 1 / timeScale,
    timeScale,
    environment: {
      actuator: { OPERATOR_APPROVERS_FILE: approver.file, OPERATOR_POLICY_FILE: approver.policyFile },
      diagnoser: plan.diagnoser,
    },
    onUp: page.up,
  });
  const members = [...stack.kinds].map(([target, kind]): Member => ({ target, kind, state: "running" }));
  const planned = chosen.map((scenario) => ({
    ...scenario,
    faults: scenario.faults.map((each) => plannedOf(each, known, members)),
  }));
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

    if (timeScale !== 1)
      page.note(
        `waiting times are divided by ${timeScale}, graces and cool-downs as well as the simulated subject's own: some are minutes`,
      );
    // Breaking what is broken already would prove nothing.
    const unwell = await untilWell(subscribe, signal);
    if (unwell !== undefined) throw new Error(`${plan.subject}: ${unwell}`);
    const outcomes: Outcome[] = [];
    for (const { faults, ...scenario } of planned) {
      if (signal.aborted) break;
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
      const { diagnoses, isWell, ...said } = outcome;
      for (const diagnosis of diagnoses) page.page(renderDiagnosis(diagnosis));
      page.outcome(said);
      outcomes.push(said);
      if (!isWell) break;
    }
    const untold = chosen.slice(outcomes.length).map(({ name }) => name);
    if (untold.length > 0 && !signal.aborted) page.note(`not told, on what is broken already: ${untold.join(", ")}`);
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

/** A fault at its place in this subject. */
function plannedOf(
  { fault: name, at = 0, force = false }: Scenario["faults"][number],
  known: Fault[],
  members: Member[],
): PlannedFault {
  const fault = known.find((each) => each.name === name);
  const target = fault?.targets(members)[at];
  if (!fault || target === undefined) {
    const who = members.map((member) => member.target).join(", ");
    throw new CliError(
      "FAULT_NOT_HERE",
      `${name} can't be done to any of the demo's local processes (${who}): try it in containers, \`npm run operator -- deploy local up\`, then \`operator chaos inject\``,
    );
  }
  const { cause, leaves } = fault;
  return { fault: name, target, cause, leaves, ttlMs: ttlOf(fault), force };
}
