import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { z } from "zod";
import { metrics } from "./promql.ts";

// Grafana's dashboard has its own PromQL: of requests it's to show what the room's rules are judged by.

const Dashboard = z.object({
  panels: z.array(z.object({ title: z.string(), targets: z.array(z.object({ expr: z.string() })) })),
});
const file = join(import.meta.dirname, "..", "..", "compose", "grafana", "dashboards", "tikv.json");
const { panels } = Dashboard.parse(JSON.parse(readFileSync(file, "utf8")));
const queries = panels.flatMap(({ title, targets }) => targets.map(({ expr }) => ({ title, expr })));
const ofChosenStores = (labels?: string) => `{${labels}, instance=~"$store"}`;

test("the time of a request by store is the quantile of high_latency, in seconds", () => {
  const shown = queries.filter(({ title }) => title === "Time of a request by store, p99");
  expect(shown.map(({ expr }) => `${expr} * 1000`)).toEqual([metrics.p99Ms.promql(ofChosenStores)]);
});

test("requests are counted where clients wait for them, as the room does", () => {
  const asked = queries.filter(({ expr }) => expr.includes("tikv_grpc_msg_duration_seconds"));
  const types = (promql: string) => /type=~"([^"]+)"/.exec(promql)?.[1];
  expect(asked.length).toBeGreaterThan(2);
  for (const { title, expr } of asked) {
    expect(types(expr), title).toBe(types(metrics.requestsPerS.promql(ofChosenStores)));
  }
});
