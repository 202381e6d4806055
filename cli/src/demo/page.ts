import { styleText } from "node:util";
import type { Shell } from "../shell.ts";
import { markdownLines } from "../terminal/markdown.ts";
import { toText } from "../terminal/page.ts";
import type { Outcome } from "./outcome.ts";

/** Where the demo's words go: lines that a person reads, or one JSON event a line. */
export interface Page {
  up: (part: string, ms: number) => void;
  ready: (given: { natsUrl: string; watchPassword: string; folder: string; subject: string; ms: number }) => void;
  note: (text: string) => void;
  scenario: (name: string, faults: { fault: string; target: string }[]) => void;
  event: (event: { sinceFaultMs: number; by: string; text: string; ticket?: string }) => void;
  outcome: (outcome: Outcome) => void;
  page: (markdown: string) => void;
  summary: (summary: { ok: boolean; scenarios: Outcome[] }) => void;
}

/** One event a line, the summary last. */
export function jsonPage(write: (line: string) => void): Page {
  const say = (type: string, fields: object) => write(JSON.stringify({ type, atMs: Date.now(), ...fields }));
  return {
    up: (part, ms) => say("up", { part, ms }),
    ready: (given) => say("ready", given),
    note: (text) => say("note", { text }),
    scenario: (name, faults) => say("scenario", { scenario: name, faults }),
    event: (event) => say("event", event),
    outcome: (outcome) => say("outcome", outcome),
    page: (markdown) => say("diagnosis", { markdown }),
    summary: ({ ok, scenarios }) => write(JSON.stringify({ type: "summary", ok, scenarios })),
  };
}

const colours = {
  demo: "yellow",
  observer: "cyan",
  checker: "magenta",
  ticketer: "green",
  diagnoser: "blue",
  actuator: "red",
  chaos: "yellow",
} as const;

/** The story as it happens: when, by whom, what. Colour only on a terminal. */
export function plainPage(write: (line: string) => void, shell: Pick<Shell, "hasColour" | "columns">): Page {
  const paint = (format: Parameters<typeof styleText>[0], text: string) =>
    shell.hasColour ? styleText(format, text) : text;
  return {
    up: (part, ms) =>
      write(`  ${paint("green", "✓")} ${part.padEnd(16)}${paint("dim", `${(ms / 1000).toFixed(1)} s`)}`),
    ready: ({ natsUrl, watchPassword, folder, ms }) => {
      const url = natsUrl.replace("nats://", `nats://watch:${watchPassword}@`);
      write(
        `\nup in ${(ms / 1000).toFixed(1)} s. Watch it from another terminal (read only, gone when the demo ends):`,
      );
      write(`  nats sub --server ${url} 'operator.>'`);
      write(`  npm run operator -- status --watch`);
      write(paint("dim", `  logs: ${folder}/logs`));
    },
    note: (text) => write(paint("dim", text)),
    scenario: (name, faults) => {
      const made = faults.map(({ fault, target }) => `${fault} ${target}`).join(", ");
      write(`\n${paint("bold", faults.length === 1 && faults[0]?.fault === name ? made : `${name}: ${made}`)}`);
      write(paint("dim", "   since fault  who           what"));
    },
    event: ({ sinceFaultMs, by, text, ticket }) => {
      const name = by.replace(/-\w+$/, "");
      const format = Object.entries(colours).find(([key]) => key === name)?.[1] ?? "white";
      const time = sinceFaultMs < 10_000 ? `${sinceFaultMs.toFixed(0)} ms` : `${(sinceFaultMs / 1000).toFixed(1)} s`;
      write(
        `  ${`+${time}`.padStart(12)}  ${paint(format, by.padEnd(12))}  ${text}${ticket ? paint("dim", `  [${ticket}]`) : ""}`,
      );
    },
    outcome: ({ ok, roots, leftovers, tickets, clearMs, recoveredBy, wrong }) => {
      const facts = [
        ...roots.flatMap(({ target, detectMs, rootCause, engine, evidence, action, verified }) => [
          `${target} seen in ${detectMs ?? "–"} ms`,
          `cause ${rootCause ? `${rootCause.category} ${rootCause.target}` : "unknown"} by the ${engine ?? "–"} from ${evidence} checked facts`,
          action === null ? "no action of ours fits" : `${action} ${verified ? "verified" : "not verified"}`,
        ]),
        ...leftovers.map(
          ({ invariant, action, verified }) =>
            `then ${invariant}, as the remedy was left: ${action ?? "no action"} ${verified ? "verified" : "not verified"}`,
        ),
        `${tickets} ticket${tickets === 1 ? "" : "s"}`,
        ...(clearMs === null
          ? []
          : [
              `closed ${(clearMs / 1000).toFixed(1)} s after ${recoveredBy === "action" ? "the action" : "the fault was reverted"}`,
            ]),
      ];
      write(
        `  ${ok ? paint("green", "✓ as it should be") : paint("red", "✗ not as it should be")}: ${facts.join(", ")}`,
      );
      for (const complaint of wrong) write(`    ${paint("red", complaint)}`);
    },
    page: (markdown) => write(`\n${toText(markdownLines(markdown, shell.columns, 4), shell.hasColour)}`),
    summary: ({ ok, scenarios }) =>
      write(
        `\n${ok ? paint("green", "✓") : paint("red", "✗")} ${scenarios.filter((one) => one.ok).length} of ${scenarios.length} scenarios as they should be`,
      ),
  };
}
