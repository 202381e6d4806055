import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { docsFile, filledPage } from "./docs-page.ts";

test("docs/cli.md has every command, option and failure as the command has them", () => {
  const page = readFileSync(docsFile, "utf8");
  expect(filledPage(page), "bring it up to date: node cli/src/docs-page.ts").toBe(page);
});

test("a page without a place for them is refused", () => {
  expect(() => filledPage("# The command\n")).toThrow('no place for its part "commands"');
});
