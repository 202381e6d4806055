import type { Bus } from "@operator/bus/bus";
import type { Bucket } from "@operator/bus/bucket";
import type { Control } from "@operator/contracts/control";
import { CliError } from "./cli-error.ts";
import { connect, findConnection, type GlobalOptions } from "./connection.ts";
import { type Changed, openControl, stopActing } from "./control.ts";
import type { Shell } from "./shell.ts";

/** Longer than a bus that is there needs, and short enough to be told that this one doesn't answer. */
const writeWithinMs = 5_000;

/** An engaged kill switch, and the connection for what follows, which the caller closes. */
export interface Pressed {
  bus: Bus;
  bucket: Bucket<Control>;
  changed: Changed;
}

/**
 * Writes the kill switch. Resolves when the bus has acknowledged it; whatever comes before that, Ctrl-C and silence included,
 * is an error that says whether it may be engaged all the same.
 */
export async function pressKillSwitch(
  shell: Shell,
  options: GlobalOptions,
  given: { by: string; reason: string; atMs: number },
): Promise<Pressed> {
  const stopped = Promise.withResolvers<never>();
  const stop = () => stopped.reject(new Error("it was stopped (Ctrl-C)"));
  shell.signal.addEventListener("abort", stop, { once: true });
  let timer: NodeJS.Timeout | undefined;
  let bus: Bus | undefined;
  let mayBeWritten = false;
  try {
    bus = await Promise.race([connect(shell, findConnection(shell, options, "cli")), stopped.promise]);
    const bucket = await Promise.race([openControl(bus), stopped.promise]);
    timer = setTimeout(
      () => stopped.reject(new Error(`the bus didn't acknowledge it within ${writeWithinMs / 1_000} s`)),
      writeWithinMs,
    );
    mayBeWritten = true;
    const writing = stopActing(bucket, given, { withinMs: writeWithinMs, signal: shell.signal });
    return { bus, bucket, changed: await Promise.race([writing, stopped.promise]) };
  } catch (error) {
    // Not waited for: what couldn't be done is said at once.
    void bus?.close().catch(() => undefined);
    throw notEngaged(error, mayBeWritten, shell.signal.aborted);
  } finally {
    clearTimeout(timer);
    shell.signal.removeEventListener("abort", stop);
    stopped.promise.catch(() => undefined);
  }
}

function notEngaged(error: unknown, mayBeWritten: boolean, wasStopped: boolean): CliError {
  const why = error instanceof Error ? error.message : String(error);
  if (mayBeWritten && !(error instanceof CliError)) {
    return new CliError(
      "NOT_ACKNOWLEDGED",
      `it is NOT known whether the kill switch is engaged: ${why}; press it again, or look: operator mode show`,
    );
  }
  const message = `the kill switch is NOT engaged, nothing was written: ${why}`;
  if (error instanceof CliError && !wasStopped) return error.saying(message);
  return new CliError("NOT_ACKNOWLEDGED", `${message}; press it again`);
}
