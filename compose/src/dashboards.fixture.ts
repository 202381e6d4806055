import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { readYaml } from "./topology.fixture.ts";

const folder = join(import.meta.dirname, "..", "grafana", "dashboards");

const DataSource = z.object({ type: z.literal("prometheus"), uid: z.string() });
const Panel = z.looseObject({
  id: z.int().positive(),
  title: z.string().min(1),
  description: z.string().min(1),
  datasource: DataSource,
  gridPos: z.object({ x: z.int(), y: z.int(), w: z.int().positive(), h: z.int().positive() }),
  fieldConfig: z.looseObject({ defaults: z.looseObject({ unit: z.string() }) }),
  targets: z
    .array(z.looseObject({ refId: z.string(), datasource: DataSource, expr: z.string(), legendFormat: z.string() }))
    .min(1),
});
const Dashboard = z.looseObject({
  uid: z.string(),
  title: z.string(),
  templating: z.object({
    list: z.array(z.looseObject({ name: z.string(), datasource: DataSource, definition: z.string() })),
  }),
  panels: z.array(Panel).min(1),
});
export type Dashboard = z.infer<typeof Dashboard>;
export type Panel = z.infer<typeof Panel>;

/** The dashboards that Grafana is given, by their file. */
export function readDashboards(): Record<string, Dashboard> {
  const files = readdirSync(folder).filter((file) => file.endsWith(".json"));
  return Object.fromEntries(
    files.map((file) => [file, Dashboard.parse(JSON.parse(readFileSync(join(folder, file), "utf8")))]),
  );
}

/** The `uid` of the one data source that Grafana is given. */
export function dataSourceUid(): string {
  const Provisioned = z.object({ datasources: z.tuple([z.object({ uid: z.string() })]) });
  return Provisioned.parse(readYaml("compose/grafana/datasource.yaml")).datasources[0].uid;
}

/** A query as Grafana asks it when all is chosen; throws on a variable that no dashboard has. */
export function withVariables(expr: string, { templating }: Dashboard): string {
  let asked = expr.replaceAll("$__rate_interval", "30s");
  for (const { name } of templating.list) asked = asked.replaceAll(`$${name}`, ".+");
  if (asked.includes("$")) throw new Error(`"${expr}" has a variable that isn't the dashboard's`);
  return asked;
}
