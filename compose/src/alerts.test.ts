import { expect, test } from "vitest";
import { z } from "zod";
import { readAlerts } from "./alerts.fixture.ts";
import { readTopology, readYaml } from "./topology.fixture.ts";

// What Prometheus looks at, and the alerts about the operator, held against what runs. What the alerts do is tried by
// promtool: alerts.compose.test.ts.

const Prometheus = z.object({
  scrape_configs: z.array(
    z.object({
      job_name: z.string(),
      dns_sd_configs: z.array(z.object({ names: z.array(z.string()) })).default([]),
      static_configs: z.array(z.object({ targets: z.array(z.string()) })).default([]),
    }),
  ),
});
const RuleTests = z.object({
  tests: z.array(
    z.object({
      alert_rule_test: z.array(z.object({ alertname: z.string(), exp_alerts: z.array(z.looseObject({})).default([]) })),
    }),
  ),
});

const { scrape_configs: jobs } = Prometheus.parse(readYaml("compose/prometheus/prometheus.yaml"));
const topology = readTopology();
const services = Object.entries(topology.services);
const withMetrics = services.flatMap(([name, { environment }]) => (environment["OPERATOR_HTTP_PORT"] ? [name] : []));

test("every service of the operator that serves metrics is scraped, and every node of the subject", () => {
  const [operator, ratelimiter] = jobs;
  expect(withMetrics.length).toBeGreaterThan(5);
  expect(operator?.dns_sd_configs[0]?.names.toSorted()).toEqual(withMetrics.toSorted());
  const nodes = services.flatMap(([name, { labels, environment }]) =>
    labels["operator.kind"] === "node" ? [`${name}:${environment["RATELIMITER_PORT"]}`] : [],
  );
  expect(ratelimiter?.static_configs[0]?.targets).toEqual(nodes);
});

test("the silence of each of them is an alert, but for the absence of one of a profile", () => {
  const silent = readAlerts().find(({ alert }) => alert === "OperatorSilent");
  const named = [...(silent?.expr ?? "").matchAll(/absent\(up\{job="operator", service="(\w+)"\}\)/g)];
  // Of each observer and checker its subject's name is cut off.
  const always = withMetrics.filter((name) => topology.services[name]?.profiles.length === 0);
  const expected = always.map((name) => name.replace(/-.*/, ""));
  expect(new Set(named.map(([, name]) => name))).toEqual(new Set(expected));
});

test("each alert says how bad it is, what it means and what to do, and is tried firing and not firing", () => {
  const { tests } = RuleTests.parse(readYaml("compose/prometheus/alerts.test.yaml"));
  const tried = tests.flatMap((each) => each.alert_rule_test);
  const alerts = readAlerts().map(({ alert }) => alert);
  expect(alerts).toEqual([
    "OperatorLagging",
    "OperatorDeadLetters",
    "OperatorSilent",
    "OperatorDiagnosisPaused",
    "OperatorBusAway",
  ]);
  for (const alert of alerts) {
    const ways = tried.flatMap(({ alertname, exp_alerts }) => (alertname === alert ? [exp_alerts.length > 0] : []));
    expect(new Set(ways), alert).toEqual(new Set([true, false]));
  }
});
