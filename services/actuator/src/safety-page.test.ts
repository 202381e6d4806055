import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";

const root = join(import.meta.dirname, "..", "..", "..");
const page = readFileSync(join(root, "docs", "safety.md"), "utf8");

/** The rows of "Guards and their tests": what is guarded, in which file, and the test that is red without it. */
const rows = [...page.matchAll(/^\| (?<guard>.+?) \| `(?<code>[^`]+)` \| `(?<file>[^`]+)`: (?<title>.+) \|$/gm)].map(
  ({ groups: { guard = "", code = "", file = "", title = "" } = {} }) => ({ guard, code, file, title }),
);

test("docs/safety.md names guards by files that there are, and by tests of exactly that title", () => {
  expect(rows.length, "no table was found").toBeGreaterThan(100);
  const complaints = rows.flatMap(({ guard, code, file, title }) => {
    if (!existsSync(join(root, code))) return [`${guard}: no file ${code}`];
    if (!existsSync(join(root, file))) return [`${guard}: no file ${file}`];
    const isThere = readFileSync(join(root, file), "utf8").includes(`"${title}"`);
    return isThere ? [] : [`${guard}: ${file} has no test "${title}"`];
  });
  expect(complaints).toEqual([]);
});

test("no guard is named twice", () => {
  const guards = rows.map(({ guard, code }) => `${guard} (${code})`);
  expect(guards.filter((guard, at) => guards.indexOf(guard) !== at)).toEqual([]);
});
