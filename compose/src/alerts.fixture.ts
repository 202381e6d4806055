import { z } from "zod";
import { readYaml } from "./topology.fixture.ts";

const Rules = z.object({
  groups: z.array(
    z.object({
      rules: z.array(
        z.object({
          alert: z.string(),
          expr: z.string(),
          labels: z.object({ severity: z.enum(["warning", "critical"]) }),
          annotations: z.object({ summary: z.string().min(10), remedy: z.string().min(20) }),
        }),
      ),
    }),
  ),
});
export type Alert = z.infer<typeof Rules>["groups"][number]["rules"][number];

/** The alerts about the operator. Throws when one doesn't say how bad it is, what it means and what to do. */
export function readAlerts(): Alert[] {
  return Rules.parse(readYaml("compose/prometheus/alerts.yaml")).groups.flatMap(({ rules }) => rules);
}

/** The metrics that an expression asks for, by their names here: each begins with its exporter's word. */
export function metricsIn(expr: string): string[] {
  const names = expr.match(/\b(?:operator|ratelimiter|nodejs|process|scrape)_\w+|\b(?:up|ALERTS)(?=\{|\b)/g);
  return [...new Set(names)];
}
