import type { Command } from "commander";
import { CliError } from "../cli-error.ts";
import type { GlobalOptions } from "../connection.ts";
import { readControl } from "../control.ts";
import { followSettling } from "../follow-settling.ts";
import { pressKillSwitch } from "../press-kill-switch.ts";
import { acknowledgedLines, nothingCanBegin } from "../screens/control-page.ts";
import type { Shell } from "../shell.ts";
import { agoOf } from "../terminal/ages.ts";
import { span } from "../terminal/page.ts";
import { aReason, nameOfPerson } from "./person.ts";
import { onTheBus, show } from "./session.ts";

interface StopOptions extends GlobalOptions {
  reason?: string;
  by?: string;
  wait: boolean;
}

/** `operator kill-switch`. */
export function registerKillSwitch(program: Command, shell: Shell): void {
  registerStop(
    program
      .command("kill-switch")
      .summary("no action is claimed from now on")
      .description(
        "No action is claimed from now on, under any number of actuators: written by the command itself, with no service alive. Names what is in flight, and follows that until it's settled.",
      ),
    shell,
    "the kill switch",
  );
}

/** A command that stops all acting, under whatever name. Needs no key: who can reach the bus may always stop it. */
export function registerStop(command: Command, shell: Shell, what: string): void {
  onTheBus(
    command
      .option("--reason <text>", "why", aReason, what)
      .option("--by <name>", "who says it (default: $USER)", nameOfPerson)
      .option("--no-wait", "end when it's acknowledged, with what is in flight unsettled"),
  ).action((options: StopOptions) => stop(shell, options));
}

/** Longer than any claim holds: what isn't settled by then waits for an actuator that isn't there. */
const settleWithinMs = 10 * 60_000;

async function stop(shell: Shell, options: StopOptions): Promise<void> {
  const started = performance.now();
  // No question is asked that isn't needed: neither who it is nor whether the rest of the bus is as it should be.
  const by = options.by ?? shell.env["USER"]?.slice(0, 100) ?? "nobody named";
  const given = { by, reason: options.reason ?? "", atMs: shell.nowMs() };
  const { bus, bucket, changed } = await pressKillSwitch(shell, options, given);
  await using _ = bus;
  const { now, before, conflicts } = changed;
  const tookMs = Math.round(performance.now() - started);
  const claims = Object.values(now.inFlight);
  const wasReadable = before !== undefined;
  const acknowledged = { acknowledgedAfterMs: tookMs, conflicts, control: now, inFlight: claims, wasReadable };
  show(shell, options, { ...acknowledged, settled: claims.length === 0 && wasReadable }, () =>
    acknowledgedLines({ tookMs, conflicts, control: now, wasReadable }, shell.nowMs(), shell.columns),
  );
  if (claims.length === 0 || !options.wait) return;
  const left = await followSettling(bucket, claims, {
    withinMs: settleWithinMs,
    signal: shell.signal,
    each: ({ action, claimedAtMs }) =>
      show(shell, options, { settledAction: action, atMs: shell.nowMs() }, () => [
        [span("✓ settled", "good"), `  ${action}, claimed ${agoOf(claimedAtMs, shell.nowMs())}`],
      ]),
  });
  if (left.length > 0) {
    const names = left.map(({ action }) => action);
    throw new CliError(
      "NOT_SETTLED",
      `no action can be claimed, but not settled within ${settleWithinMs / 60_000} min: ${names.join(", ")}; is an actuator running? Look at the subject: it may have taken effect`,
      { inFlight: left },
    );
  }
  const control = await readControl(bucket);
  // Settled are the claims of before; somebody may have allowed new ones meanwhile.
  if (control.mode === "execute") {
    throw new CliError(
      "MODE_CHANGED",
      `what was in flight is settled, but ${control.by} changed the mode to execute meanwhile (term ${control.term}): stop it again`,
      { term: control.term },
    );
  }
  show(shell, options, { settled: true, control }, () => [nothingCanBegin()]);
}
