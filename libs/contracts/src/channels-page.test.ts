import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { channelsPage, channelsPageFile } from "./channels-page.ts";

test("docs/channels.md says what the table says: `npm run docs` writes it", () => {
  expect(readFileSync(channelsPageFile, "utf8")).toBe(channelsPage());
});
