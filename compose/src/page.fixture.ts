import { readFileSync } from "node:fs";
import { join } from "node:path";

/** The text of a page, by its name in `docs/`. */
export function readPage(name: string): string {
  return readFileSync(join(import.meta.dirname, "..", "..", "docs", name), "utf8");
}

/** What stands under a heading (`## Ports`), up to the next one of its level or above. Throws when there is none. */
export function sectionOf(page: string, heading: string): string {
  const lines = page.split("\n");
  const begin = lines.indexOf(heading);
  if (begin === -1) throw new Error(`the page has no heading "${heading}"`);
  const level = heading.indexOf(" ");
  const length = lines.slice(begin + 1).findIndex((line) => /^#+ /.test(line) && line.indexOf(" ") <= level);
  return lines.slice(begin + 1, length === -1 ? undefined : begin + 1 + length).join("\n");
}

/** The rows of the tables in a text, cell by cell, without their heads. */
export function rowsOf(text: string): string[][] {
  const rows = text.split("\n").map((line) => (line.startsWith("|") ? line.slice(1, -1).split("|") : []));
  const cells = rows.map((row) => row.map((cell) => cell.trim()));
  return cells.filter((row, at) => row.length > 0 && !isRule(row) && !isRule(cells[at + 1] ?? []));
}

/** What stands between the comment that says who compares it, and its end. Throws when there's no such place. */
export function comparedPart(page: string, name: string): string {
  const part = new RegExp(`<!-- ${name}: compared [^\\n]*-->\n([\\s\\S]*?)\n<!-- end of ${name} -->`).exec(page)?.[1];
  if (part === undefined) throw new Error(`the page has no part "${name}" that is compared`);
  return part;
}

/** The names that a cell has in backticks. */
export function namesIn(cell = ""): string[] {
  return [...cell.matchAll(/`([^`]+)`/g)].map(([, name = ""]) => name);
}

/**
 * What is wrong where each row's first cell has names of services, `observer-<subject>` being all of that kind: services that
 * no row or several rows are about, and names that are no service's.
 */
export function complaintsOfRows(rows: readonly string[][], services: readonly string[]): string[] {
  const names = rows.flatMap(([cell]) => namesIn(cell));
  const isOf = (name: string, service: string) => new RegExp(`^${name.replace("<subject>", "[a-z]+")}$`).test(service);
  return [
    ...services.flatMap((service) => {
      const count = names.filter((name) => isOf(name, service)).length;
      return count === 1 ? [] : [`${service}: ${count} rows`];
    }),
    ...names.flatMap((name) => (services.some((service) => isOf(name, service)) ? [] : [`${name}: no such service`])),
  ];
}

function isRule(row: readonly string[]): boolean {
  return row.length > 0 && row.every((cell) => /^-+$/.test(cell));
}
