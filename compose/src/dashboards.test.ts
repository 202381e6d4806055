import { expect, test } from "vitest";
import { dataSourceUid, type Panel, readDashboards, withVariables } from "./dashboards.fixture.ts";
import { readPage, rowsOf, sectionOf } from "./page.fixture.ts";
import { readTopology } from "./topology.fixture.ts";

// Dashboards as files. Whether each panel has data is asked of a real Prometheus: observability.compose.test.ts.

const dashboards = Object.entries(readDashboards());

test("there's one for the loop and one for each subject, and the first is Grafana's home", () => {
  expect(dashboards.map(([file, { uid }]) => [file, uid])).toEqual([
    ["loop.json", "operator-loop"],
    ["ratelimiter.json", "operator-ratelimiter"],
    ["tikv.json", "operator-tikv"],
  ]);
  const { grafana } = readTopology().services;
  expect(grafana?.environment["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"]).toBe("/etc/grafana/dashboards/loop.json");
  expect(grafana?.volumes).toContain("./grafana/dashboards:/etc/grafana/dashboards:ro");
});

test("the pages name each of them, and no other", () => {
  const titles = dashboards.map(([, { title }]) => title).toSorted();
  const [first = ""] = sectionOf(readPage("observability.md"), "## Dashboards").split(". ");
  expect(named(first)).toEqual(titles);
  const profiles = rowsOf(sectionOf(readPage("operations.md"), "## Profiles"));
  const [, adds = ""] = profiles.find(([name]) => name === "`grafana`") ?? [];
  expect(named(adds)).toEqual(titles);
});

test.each(dashboards)(
  "%s: ids are unique, every query goes to the data source, no panel covers another",
  (_, board) => {
    const { panels, templating } = board;
    expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length);
    expect(new Set(panels.map(({ title }) => title)).size).toBe(panels.length);
    const asked = [...panels, ...panels.flatMap(({ targets }) => targets), ...templating.list];
    expect(asked.filter(({ datasource }) => datasource.uid !== dataSourceUid())).toEqual([]);
    for (const { targets, title } of panels) {
      expect(new Set(targets.map(({ refId }) => refId)).size, title).toBe(targets.length);
      for (const { expr } of targets) expect(withVariables(expr, board)).not.toContain("$");
    }
    const covered = panels.flatMap((one, at) => panels.slice(at + 1).filter((other) => overlap(one, other)));
    expect(covered.map(({ title }) => title)).toEqual([]);
  },
);

/** What a text has in italics. */
function named(text: string): string[] {
  return [...text.matchAll(/\*([^*]+)\*/g)].map(([, name = ""]) => name).toSorted();
}

function overlap({ gridPos: one }: Panel, { gridPos: other }: Panel): boolean {
  const isBeside = one.x + one.w <= other.x || other.x + other.w <= one.x;
  const isAbove = one.y + one.h <= other.y || other.y + other.h <= one.y;
  return !isBeside && !isAbove;
}
