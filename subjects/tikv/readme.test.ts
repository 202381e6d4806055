import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { z } from "zod";
import { stateWith } from "./action-state.fixture.ts";
import { actions } from "./actions.ts";
import { faults, scenarios } from "./faults.ts";
import { invariants } from "./invariants.ts";
import { observations } from "./observations.ts";
import { officialRules } from "./official-rules.fixture.ts";
import { settings } from "./settings.ts";
import { cluster, isPdTarget, regionIdOf, storeIdOf } from "./targets.ts";
import { explanations } from "./topology-explanations.ts";

// The README's tables are compared with the code, but for the cells that say in words what a rule or an undo does.

const readme = readFileSync(join(import.meta.dirname, "README.md"), "utf8");

test("it lists every invariant with severity, limit, grace, sources and what explains it, and no other", () => {
  const said = rowsOf("invariant").map(([name, severity, , limit, grace, sources, causes]) => ({
    name,
    severity,
    limit,
    grace,
    sources,
    causes,
  }));
  const listed = invariants.map(({ name, severity, limit, unit, graceMs, needs }) => ({
    name: `\`${name}\``,
    severity,
    limit: limitOf(limit, unit),
    grace: `${graceMs / 1_000} s`,
    sources: names(needs(cluster).map(({ source }) => source)),
    causes: names(causesOf(name)),
  }));
  expect(byName(said)).toEqual(byName(listed));
});

test.each(invariants)(
  "$name says why, with the official alert rules by their names, or that there's none",
  ({ why }) => {
    const rules = why.match(/\b(?:PD|TiKV|TIKV)_[\w%]+/g) ?? [];
    expect(rules.filter((name) => !officialRules.includes(name))).toEqual([]);
    expect(rules.length > 0 || /\bno official (alert )?rule\b/i.test(why), why).toBe(true);
  },
);

test("it says what explains a blind source", () => {
  const effects = new Set(explanations.map(({ effect }) => effect));
  expect([...effects].filter((effect) => invariants.every(({ name }) => name !== effect))).toEqual(["source_blind"]);
  expect(readme).toContain(`\`source_blind\` is explained by ${names(causesOf("source_blind"))}, `);
});

test("it lists every action with parameters, target, risk and whether it can be undone, and no other", () => {
  const said = rowsOf("action").map(([name, target, risk, undo]) => ({ name, target, risk, isUndone: undo !== "–" }));
  const listed = actions.map(({ name, parameters, targets, risk, undo }) => ({
    name: called(name, parameters),
    target: [...new Set(targets(stateWith()).map(kindOf))].join(", "),
    risk,
    isUndone: undo !== undefined,
  }));
  expect(byName(said)).toEqual(byName(listed));
});

test("it lists every read tool with parameters and title, and no other", () => {
  const said = rowsOf("question").map(([name, title]) => ({ name, title }));
  const listed = observations.map(({ name, parameters, title }) => ({ name: called(name, parameters), title }));
  expect(byName(said)).toEqual(byName(listed));
});

test("it lists every fault with title, who makes it and how long it lasts, and no other", () => {
  const said = rowsOf("fault").map(([name, title, by, lasts, atMost]) => ({
    name,
    title,
    by: by === "PD's API" || by === "the simulator" ? "api" : by,
    lasts,
    atMost,
  }));
  const listed = faults.map((fault) => ({
    name: `\`${fault.name}\``,
    title: fault.title,
    by: fault.by === "supervisor" ? `supervisor: ${fault.verb}` : "api",
    lasts: `${fault.ttlMs.default / 60_000} min`,
    atMost: `${fault.ttlMs.max / 60_000} min`,
  }));
  expect(byName(said)).toEqual(byName(listed));
});

test("it lists every scenario with title and faults, and no other", () => {
  const said = rowsOf("scenario").map(([name, title, made]) => ({ name, title, made }));
  const listed = scenarios.map(({ name, title, faults: made }) => ({
    name: `\`${name}\``,
    title,
    made: made.map(({ fault }) => `\`${fault}\``).join(", "),
  }));
  expect(byName(said)).toEqual(byName(listed));
});

test("it lists every variable of the environment, and no other", () => {
  const said = rowsOf("variable").map(([name]) => ({ name }));
  expect(byName(said)).toEqual(byName(Object.keys(settings).map((name) => ({ name: `\`${name}\`` }))));
});

/** The rows of the table whose first column has this head, cell by cell. */
function rowsOf(head: string): string[][] {
  const lines = readme.split("\n");
  const begin = lines.findIndex((line) => line.startsWith(`| ${head} |`));
  if (begin === -1) throw new Error(`the README has no table of "${head}"`);
  const end = lines.findIndex((line, at) => at > begin && !line.startsWith("|"));
  const cellsOf = (row: string) => row.slice(1, -1).split("|");
  return lines.slice(begin + 2, end).map((row) => cellsOf(row).map((cell) => cell.trim()));
}

function byName<Row extends { name?: string | undefined }>(rows: Row[]): Row[] {
  return rows.toSorted((a, b) => (a.name ?? "").localeCompare(b.name ?? ""));
}

function names(of: readonly string[]): string {
  const sorted = [...new Set(of)].toSorted().map((name) => `\`${name}\``);
  return sorted.join(", ") || "–";
}

function causesOf(invariant: string): string[] {
  return explanations.filter(({ effect }) => effect === invariant).map(({ cause }) => cause);
}

function limitOf(limit: number | string | undefined, unit: string | undefined): string {
  return limit === undefined ? "–" : unit === undefined ? `${limit}` : `${limit} ${unit}`;
}

/** `transfer_leader {regionId, toStore}` */
function called(name: string, parameters: z.ZodType): string {
  const { properties } = z.object({ properties: z.record(z.string(), z.unknown()) }).parse(z.toJSONSchema(parameters));
  const keys = Object.keys(properties);
  return `\`${name}${keys.length === 0 ? "" : ` {${keys.join(", ")}}`}\``;
}

function kindOf(target: string): string {
  if (target === cluster) return "cluster";
  if (storeIdOf(target) !== undefined) return "a store";
  if (regionIdOf(target) !== undefined) return "a region";
  if (isPdTarget(target)) return "a PD member";
  throw new Error(`"${target}" is of no kind that the README knows`);
}
