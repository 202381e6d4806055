import { ask } from "@operator/bus/query";
import { addressOf } from "@operator/contracts/channel";
import { flow } from "@operator/contracts/flow";
import type { Job } from "@operator/contracts/job";
import { logBounds, type Logs } from "@operator/contracts/logs";
import { TargetName } from "@operator/contracts/names";
import { queries } from "@operator/contracts/query";
import type { LogsEvidence } from "@operator/contracts/tool-evidence";
import type { KeptLogs } from "@operator/evidence/log-lines";
import { redact } from "@operator/evidence/secrets";
import { plainText } from "@operator/evidence/telemetry";
import type { Desk } from "./carry-out.ts";

const nearMax = 100;

/**
 * Asks the observer for the ends of the logs of these targets and keeps the answer as evidence of the attempt. `why`: there
 * is none, which costs the logs, not the diagnosis.
 */
export async function askLogs(
  { bus, secrets }: Pick<Desk, "bus" | "secrets">,
  { subject, ticket, attempt }: Job,
  near: readonly string[],
): Promise<{ logs: KeptLogs } | { why: string }> {
  try {
    const targets = near.slice(0, nearMax).map((target) => TargetName.parse(target));
    const logs = withoutSecrets(await ask(bus, queries.logs, subject, { near: targets }), secrets);
    const told: LogsEvidence = { subject, ticket, attempt, tool: "logs", atMs: Date.now(), logs };
    await bus.publish(flow.toolEvidence, told);
    return { logs: { address: addressOf(flow.toolEvidence, told), document: told } };
  } catch (error) {
    return { why: error instanceof Error ? error.message : String(error) };
  }
}

/** The observer hides its own secrets; what this process knows it can't have known. */
function withoutSecrets(logs: Logs, secrets: readonly string[]): Logs {
  const tails = Object.entries(logs).map(([target, tail]) => {
    if (tail.kind === "missing") return [target, tail] as const;
    const lines = tail.lines.map(({ atMs, text }) => ({
      atMs,
      text: plainText(redact(text, secrets), logBounds.lineCharsMax),
    }));
    return [target, { ...tail, lines }] as const;
  });
  return Object.fromEntries(tails);
}
