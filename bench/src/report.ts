import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Claim, type Figure, short } from "./figures.ts";
import type { Machine } from "./machine.ts";

/** Figures as they were measured in one run. */
export interface Report {
  command: string;
  /** UTC. */
  startedAt: string;
  endedAt: string;
  machine: Machine;
  loadBefore: string;
  loadAfter: string;
  rounds: number;
  figures: Measured[];
}

/** A figure, or why it couldn't be measured. */
export type Measured = Figure & { failed?: string };

export function isReached({ figures }: Report): boolean {
  return figures.every(({ claims, failed }) => failed === undefined && claims.every(({ reached }) => reached));
}

export function markdownOf(report: Report): string {
  const { machine } = report;
  const versions = Object.entries(machine.versions)
    .map(([name, version]) => `${name} ${version}`)
    .join(", ");
  return [
    `# ${report.command}`,
    "",
    `${report.startedAt} to ${report.endedAt}. ${machine.cores} cores (${machine.processor}, ${machine.system}), ${machine.memoryGb} GB; ${versions}.`,
    `Load average ${report.loadBefore} before, ${report.loadAfter} after.${report.figures.some(({ name }) => name === "hops" || name === "tickets") ? ` Ratios are medians of ${report.rounds} rounds in which ours and raw took turns.` : ""}`,
    "",
    "| figure | value | limit | |",
    "|---|---|---|---|",
    ...report.figures.flatMap((figure) => rowsOf(figure)),
    "",
    ...report.figures.flatMap(({ title, facts, failed }) => [
      `## ${title}`,
      "",
      ...(failed === undefined ? [] : [`- couldn't be measured: ${failed}`]),
      ...facts.map((fact) => `- ${fact}`),
      "",
    ]),
  ].join("\n");
}

/** Writes `<date>-<name>.md` and `.json`. Numbers of single measurements are shortened to a hundredth. */
export function writeReport(report: Report, name: string): string {
  const folder = join(import.meta.dirname, "..", "results");
  const file = `${report.startedAt.slice(0, 10)}-${name}`;
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, `${file}.md`), markdownOf(report));
  writeFileSync(join(folder, `${file}.json`), `${jsonOf(report)}\n`);
  return `bench/results/${file}.md`;
}

export function jsonOf(report: Report): string {
  const shorten = (_: string, value: unknown) => (typeof value === "number" ? Math.round(value * 100) / 100 : value);
  return JSON.stringify({ ...report, reached: isReached(report) }, shorten);
}

function rowsOf({ title, claims, failed }: Measured): string[] {
  if (failed !== undefined) return [`| ${title} | – | | **not measured** |`];
  return claims.map(
    (one) =>
      `| ${title}: ${one.what} | ${short(one.value)} ${one.unit} | ${limitOf(one)} | ${one.reached ? "reached" : "**not reached**"} |`,
  );
}

function limitOf({ limit, unit }: Claim): string {
  return `${"atMost" in limit ? `≤ ${short(limit.atMost)}` : `≥ ${short(limit.atLeast)}`} ${unit}`.trim();
}
