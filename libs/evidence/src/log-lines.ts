import { EvidenceId } from "@operator/contracts/evidence";
import { TargetName } from "@operator/contracts/names";
import type { LogsEvidence } from "@operator/contracts/tool-evidence";
import type { CaseFile, CaseLogLine } from "@operator/subject/case-file";
import { pointerToLine } from "./documents.ts";
import { isTellable } from "./facts.ts";

/** What a diagnoser was told of logs, where it's kept. */
export interface KeptLogs {
  address: string;
  document: LogsEvidence;
}

/**
 * The lines of logs as facts, numbered behind the others, in the order in which they were written; and what is missing of
 * them. A line that holds a secret of this process is no fact.
 */
export function logLinesOf(
  logs: KeptLogs | undefined,
  facts: CaseFile["facts"],
  secrets: readonly string[] = [],
): { lines: CaseLogLine[]; missing: string[] } {
  if (!logs) return { lines: [], missing: [] };
  const tails = Object.entries(logs.document.logs);
  const written = tails.flatMap(([name, tail]) =>
    tail.kind === "missing"
      ? []
      : tail.lines.map(({ atMs, text }, at) => ({ target: TargetName.parse(name), atMs, text, at })),
  );
  const lines = written
    .filter(({ target, text, at }) => isTellable(pointerToLine(target, at), text, secrets))
    .sort((a, b) => a.atMs - b.atMs)
    .map(({ target, atMs, text, at }, place) => ({
      id: EvidenceId.parse(`E${facts.length + place + 1}`),
      address: logs.address,
      pointer: pointerToLine(target, at),
      value: text,
      atMs,
      target,
    }));
  const missing = tails.flatMap(([name, tail]) =>
    tail.kind === "missing" ? [`the end of the log of ${name}: ${tail.why}`] : [],
  );
  return {
    lines,
    missing: tails.length > 0 ? missing : ["the ends of the logs: the observer can read none of the targets nearby"],
  };
}
