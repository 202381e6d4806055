import { expect, test } from "vitest";
import { claim } from "./figures.ts";
import { isReached, jsonOf, markdownOf, type Measured, type Report } from "./report.ts";

const reached: Measured = {
  name: "kill",
  title: "member killed → ticket open",
  claims: [claim("p50", 34.123, "ms", { atMost: 100 })],
  facts: ["seed 1"],
  data: { detections: [34.123] },
};
const missed: Measured = { ...reached, claims: [claim("p50", 134, "ms", { atMost: 100 })] };
const failed: Measured = { ...reached, claims: [], failed: "the bus didn't come up" };

function reportOf(figures: Measured[]): Report {
  const machine = { system: "linux x64", processor: "p", cores: 2, memoryGb: 24, versions: { node: "24.0.0" } };
  const times = { startedAt: "2026-11-21T08:00:00.000Z", endedAt: "2026-11-21T08:10:00.000Z" };
  return {
    command: "npm run bench -- loop",
    ...times,
    machine,
    loadBefore: "1 1 1",
    loadAfter: "2 1 1",
    rounds: 5,
    figures,
  };
}

test("a report is reached when every claim of every figure is, and each was measured", () => {
  expect(isReached(reportOf([reached]))).toBe(true);
  expect(isReached(reportOf([reached, missed]))).toBe(false);
  expect(isReached(reportOf([reached, failed]))).toBe(false);
});

test("the page says value and limit of each claim, and why a figure is missing", () => {
  const page = markdownOf(reportOf([reached, missed, failed]));
  expect(page).toContain("| member killed → ticket open: p50 | 34.1 ms | ≤ 100 ms | reached |");
  expect(page).toContain("| member killed → ticket open: p50 | 134 ms | ≤ 100 ms | **not reached** |");
  expect(page).toContain("- couldn't be measured: the bus didn't come up");
  expect(page).toContain("2 cores");
});

test("the JSON holds each measured value to a hundredth, and whether all is reached", () => {
  const json: unknown = JSON.parse(jsonOf(reportOf([missed])));
  expect(json).toMatchObject({ reached: false, figures: [{ data: { detections: [34.12] } }] });
});
