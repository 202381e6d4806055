import type { Command } from "commander";
import { CliError } from "../cli-error.ts";
import type { GlobalOptions } from "../connection.ts";
import { type AuditEntry, readAudit } from "../read-audit.ts";
import { auditLines, auditPage } from "../screens/audit-lines.ts";
import type { Shell } from "../shell.ts";
import { statementHash } from "../statement-hash.ts";
import { subjectsOf } from "../subjects.ts";
import { durationBetween } from "./durations.ts";
import { atLeastOne } from "./numbers.ts";
import { onTheBus, show, withBus } from "./session.ts";

interface ListOptions extends GlobalOptions {
  subject?: string;
  since?: number;
  limit: number;
}

const yearMs = 365 * 86_400_000;

/** `operator audit list|show`. */
export function registerAudit(program: Command, shell: Shell): void {
  const audit = program.command("audit").description("what was done and said, by whom");
  onTheBus(
    audit
      .command("list")
      .summary("actions, approvals, changes of the mode and people's words, the newest last")
      .description(
        "What the actuator did and heard (kept for a year, nobody can delete it) and what people said of tickets (kept for a week), by the bus's time, the newest last.",
      )
      .option("--subject <name>", "only this subject, and what is about all of them")
      .option("--since <time>", "only so far back, e.g. 24h", durationBetween(1_000, yearMs))
      .option("--limit <n>", "at most so many", atLeastOne, 50),
  ).action((options: ListOptions) =>
    withBus(shell, options, async (bus, context) => {
      const { limit, since } = options;
      const { entries, count } = await readAudit(bus, {
        subject: options.subject === undefined ? undefined : subjectsOf(options.subject, context)[0],
        sinceMs: since === undefined ? 0 : shell.nowMs() - since,
        fits: () => true,
        limit,
        signal: shell.signal,
      });
      const more = count - entries.length;
      show(shell, options, { entries: entries.map((entry) => ({ ...entry, message: undefined })), more }, () => {
        if (count === 0) return [["Nothing was done or said."]];
        return [
          ...(more === 0 ? [] : [[`${more} more before: --limit ${count}`], []]),
          ...auditLines(entries, { nowMs: shell.nowMs(), columns: shell.columns }),
        ];
      });
    }),
  );
  onTheBus(
    audit
      .command("show")
      .summary("everything about an action or a ticket, with what was signed")
      .description(
        "Everything that was done and said about an action or a ticket, with what was signed and its signature.",
      )
      .argument("<id>", "of an action, a ticket or a statement; or whole parts of it in a row, e.g. node_down.node-a"),
  ).action((word: string, options: GlobalOptions) =>
    withBus(shell, options, async (bus) => {
      const wanted = `.${word.replace(/^\.+|\.+$/g, "")}.`;
      const fits = (entry: AuditEntry) =>
        wanted !== ".." && namesOf(entry).some((name) => `.${name}.`.includes(wanted));
      const { entries, count } = await readAudit(bus, { sinceMs: 0, fits, limit: shownMax, signal: shell.signal });
      if (count === 0) {
        throw new CliError(
          "AUDIT_UNKNOWN",
          `nothing in the audit is about "${word}": \`operator audit list\` has all of it`,
        );
      }
      const more = count - entries.length;
      show(shell, options, { entries, more }, () =>
        auditPage(entries, { nowMs: shell.nowMs(), columns: shell.columns }),
      );
    }),
  );
}

const shownMax = 1_000;

/** What an entry is about, and what was signed, by its hash. */
function namesOf({ action, ticket, message }: AuditEntry): string[] {
  const signed = "statement" in message && message.statement !== undefined ? [statementHash(message.statement)] : [];
  return [action ?? [], ticket ?? [], message.id, signed].flat();
}
