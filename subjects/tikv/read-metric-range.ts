import { defineReadTool } from "@operator/subject/read-tool";
import { z } from "zod";
import type { Series } from "./prometheus-client.ts";
import { type Instances, type Metric, type MetricName, metrics, promqlOf } from "./promql.ts";
import { type Scraped, withPrometheus } from "./read-prometheus.ts";
import { cluster } from "./targets.ts";

const pointsMax = 30;
const seriesMax = 12;

// Object.keys says only that they're strings.
// oxlint-disable-next-line typescript/no-unsafe-type-assertion
const names = Object.keys(metrics) as [MetricName, ...MetricName[]];
const units = names.map((name) => `${name} (${metrics[name].unit}, of a ${metrics[name].of})`).join(", ");
const Course = z.strictObject({
  name: z.enum(names).describe(`one of: ${units}`),
  target: z
    .string()
    .max(80)
    .describe("a store or a PD member, e.g. store-4 or pd-1, or cluster: then all that have this metric"),
  minutes: z.int().min(1).max(120),
});

/** The course of a metric. */
export const getMetricRange = defineReadTool<typeof Course>({
  name: "get_metric_range",
  title: "The course of one metric over the last minutes",
  about: `Of each target: lowest, highest and last value with their times, and up to ${pointsMax} values between. A gap is a time without a value. Helps to see when something began, and which target it began at.`,
  parameters: Course,
  read: ({ name, target, minutes }, hands) =>
    withPrometheus(hands, async (scraped) => {
      const metric: Metric = metrics[name];
      const addresses = addressesOf(scraped);
      const instances =
        target === cluster ? instancesOfAll([...addresses.values()]) : instancesOf(metric, name, target, addresses);
      const endMs = Date.now();
      const promql = promqlOf(name, instances);
      const all = await scraped.prometheus.range(promql, { minutes, endMs }, hands.signal);
      const targets = new Map(
        [...addresses].flatMap(([each, { hosts }]) => hosts.map((host) => [host, each] as const)),
      );
      const titleOf = ({ labels: { type, instance } }: Series) =>
        type ?? targets.get(instance ?? "") ?? instance ?? cluster;
      const shown = all.filter(({ points }) => points.length > 0).slice(0, seriesMax);
      return {
        name,
        unit: metric.unit,
        fromMs: endMs - minutes * 60_000,
        toMs: endMs,
        series: Object.fromEntries(shown.map((series) => [titleOf(series), courseOf(series)])),
        ...(all.length === 0 && { missing: `Prometheus has no value of ${name} of ${target} in this time` }),
      };
    }),
});

/** Where a target is scraped: a PD member maybe by several addresses. */
interface Scrape {
  hosts: readonly string[];
  kind: "store" | "member";
}
type Addresses = ReadonlyMap<string, Scrape>;

function addressesOf({ stores, members }: Scraped): Addresses {
  const byMember = Map.groupBy(members.instances(), ([, target]) => target);
  return new Map<string, Scrape>([
    ...[...byMember].map(
      ([target, entries]) => [target, { hosts: entries.map(([host]) => host), kind: "member" }] as const,
    ),
    ...[...stores.listed()].flatMap(([target, { statusAddress }]) =>
      statusAddress === undefined ? [] : [[target, { hosts: [statusAddress], kind: "store" }] as const],
    ),
  ]);
}

function instancesOfAll(scrapes: Scrape[]): Instances {
  const of = (kind: Scrape["kind"]) => scrapes.flatMap((each) => (each.kind === kind ? each.hosts : []));
  return { stores: of("store"), members: of("member") };
}

function instancesOf({ of }: Metric, name: string, target: string, addresses: Addresses): Instances {
  const found = addresses.get(target);
  if (!found) {
    const known = [cluster, ...addresses.keys()].slice(0, 50).join(", ");
    throw new Error(`${JSON.stringify(target)} is no store or PD member: there are ${known}`);
  }
  if (!of.includes(found.kind)) throw new Error(`${name} is of a ${of}, and ${target} is a ${found.kind}`);
  return instancesOfAll([found]);
}

function courseOf({ points }: Series) {
  const ordered = points.toSorted((a, b) => a.value - b.value);
  const every = Math.ceil(points.length / pointsMax);
  // From the newest backwards, so that the newest is among them.
  const shown = points.filter((_, at) => (points.length - 1 - at) % every === 0);
  return {
    lowest: at(ordered[0]),
    highest: at(ordered.at(-1)),
    last: at(points.at(-1)),
    values: Object.fromEntries(shown.map(({ atMs, value }) => [new Date(atMs).toISOString(), rounded(value)])),
  };
}

function at(point: Series["points"][number] | undefined) {
  return point && { at: new Date(point.atMs).toISOString(), value: rounded(point.value) };
}

/** More digits than anybody compares aren't worth their room. */
function rounded(value: number): number {
  return Number(value.toPrecision(6));
}
