import { ComposeStack, whyNoDocker } from "@operator/stack/compose-stack";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { z } from "zod";
import { metricsIn, readAlerts } from "./alerts.fixture.ts";
import { readDashboards, withVariables } from "./dashboards.fixture.ts";

// What Prometheus makes of the real stack under its load: labels, a value for each panel, alerts that fire.

const why = whyNoDocker();
if (why !== undefined) process.stdout.write(`observability: skipped, ${why}\n`);

const Result = z.object({
  result: z.array(z.object({ metric: z.record(z.string(), z.string()), value: z.tuple([z.number(), z.string()]) })),
});
const Alerts = z.object({
  alerts: z.array(z.object({ labels: z.record(z.string(), z.string()), state: z.string() })),
});
/** The operator's own, of both subjects. */
const services = [
  "actuator",
  "chaos",
  "checker-ratelimiter",
  "checker-tikv",
  "diagnoser",
  "observer-ratelimiter",
  "observer-tikv",
  "ticketer",
];
const members = ["pd-1", "pd-2", "pd-3", "tikv-1", "tikv-2", "tikv-3"];

describe.skipIf(why !== undefined)("Prometheus", () => {
  let stack: ComposeStack;
  let url: string;

  beforeAll(async () => {
    stack = await ComposeStack.make();
    await stack.compose("up", "--detach", "--wait", "--wait-timeout", "240");
    url = `http://${(await stack.compose("port", "prometheus", "9090")).trim()}`;
  }, 300_000);
  afterAll(async () => await stack?.[Symbol.asyncDispose](), 120_000);

  async function get<T>(path: string, schema: z.ZodType<T>): Promise<T> {
    const response = await fetch(`${url}${path}`);
    const body = await response.text();
    if (!response.ok) throw new Error(`${path}: ${response.status} ${body}`);
    return z.object({ data: schema }).parse(JSON.parse(body)).data;
  }

  async function ask(query: string) {
    const { result } = await get(`/api/v1/query?query=${encodeURIComponent(query)}`, Result);
    return result.map(({ metric, value }) => ({ metric, value: Number(value[1]) }));
  }

  /** The labels of each alert that fires now, by its name. */
  async function firing(alert: string) {
    const { alerts } = await get("/api/v1/alerts", Alerts);
    return alerts.flatMap(({ labels, state }) => (labels["alertname"] === alert && state === "firing" ? [labels] : []));
  }

  async function until(what: string, isSo: () => Promise<boolean>, withinMs = 120_000): Promise<void> {
    await vi.waitUntil(isSo, { timeout: withinMs, interval: 1_000 }).catch((error: unknown) => {
      throw new Error(`not within ${withinMs} ms: ${what}`, { cause: error });
    });
  }

  test("each target says its service and a name that people can read; who is scaled is there several times", async () => {
    await stack.compose("up", "--detach", "--no-recreate", "--wait", "--scale", "diagnoser=2");
    const targets = async () => (await ask("up == 1")).map(({ metric }) => metric);
    await until("all are up, one of them twice", async () => (await targets()).length === services.length + 1 + 3 + 6);
    const isMember = ({ job = "" }: Record<string, string>) => job === "pd" || job === "tikv";
    const ofTikv = (await targets()).filter(isMember).map(({ instance = "" }) => instance.replace(/:\d+$/, ""));
    expect(ofTikv.toSorted()).toEqual(members);
    const names = (await targets()).filter((target) => !isMember(target)).map(nameOf);
    const address = String.raw`@\d+\.\d+\.\d+\.\d+`;
    expect(names.toSorted()).toEqual([
      expect.stringMatching(`^actuator  actuator${address}$`),
      expect.stringMatching(`^chaos  chaos${address}$`),
      expect.stringMatching(`^checker ratelimiter checker-ratelimiter${address}$`),
      expect.stringMatching(`^checker tikv checker-tikv${address}$`),
      expect.stringMatching(`^diagnoser  diagnoser${address}$`),
      expect.stringMatching(`^diagnoser  diagnoser${address}$`),
      expect.stringMatching(`^observer ratelimiter observer-ratelimiter${address}$`),
      expect.stringMatching(`^observer tikv observer-tikv${address}$`),
      "ratelimiter  node-a",
      "ratelimiter  node-b",
      "ratelimiter  node-c",
      expect.stringMatching(`^ticketer  ticketer${address}$`),
    ]);
    // A service's own metrics have the same labels as its `up`, so they can be joined.
    const own = (await ask("operator_bus_up")).map(({ metric }) => nameOf(metric));
    expect(own.toSorted()).toEqual(names.filter((name) => name.includes("@")).toSorted());

    function nameOf({ service, subject, instance }: Record<string, string>): string {
      return [service, subject, instance].join(" ");
    }
  }, 180_000);

  test("every panel of every dashboard has data, after a while of load, a killed node and a letter nobody can read", async () => {
    const { connection } = (await stack.connect()).link;
    connection.publish("operator.chaos.commands", "{");
    await connection.flush();
    await stack.compose("kill", "node-b");
    await until("node-b's ticket", async () => {
      const [fired] = await ask('operator_turns_total{invariant="node_down", turn="fired"}');
      return (fired?.value ?? 0) > 0;
    });
    await stack.compose("start", "node-b");
    const queries = Object.values(readDashboards()).flatMap((board) =>
      board.panels.flatMap(({ title, targets }) =>
        targets.map(({ expr }) => ({ panel: `${board.title}: ${title}`, query: withVariables(expr, board) })),
      ),
    );
    expect(queries.length).toBeGreaterThan(30);
    const empty = async () => {
      const answers = await Promise.all(queries.map(async ({ query }) => await ask(query)));
      return queries.filter((_, at) => !answers[at]?.some(({ value }) => Number.isFinite(value)));
    };
    await expect.poll(empty, { timeout: 90_000, interval: 2_000 }).toEqual([]);
  }, 300_000);

  test("every metric that an alert asks for is there", async () => {
    const known = Object.keys(await get("/api/v1/metadata", z.record(z.string(), z.unknown())));
    for (const { alert, expr } of readAlerts()) {
      const names = metricsIn(expr);
      expect(names.length, alert).toBeGreaterThan(0);
      // Prometheus' own, of each target.
      for (const name of names) if (name !== "up") expect(known, alert).toContain(name);
    }
  });

  test("alerts fire: of the letter, of a service that is gone, its name included, and of the bus; and end", async () => {
    await until("OperatorDeadLetters", async () => (await firing("OperatorDeadLetters")).length > 0);
    expect(await firing("OperatorDeadLetters")).toMatchObject([{ service: "chaos", channel: "chaosCommand" }]);
    for (const alert of ["OperatorDiagnosisPaused", "OperatorBusAway"]) expect(await firing(alert), alert).toEqual([]);
    await stack.compose("stop", "ticketer", "nats");
    await until("OperatorSilent", async () => (await firing("OperatorSilent")).some(isTicketers));
    await until("OperatorBusAway", async () => (await firing("OperatorBusAway")).length >= services.length - 1);
    await stack.compose("up", "--detach", "--no-recreate", "--wait", "nats", "ticketer");
    await until("their end", async () => {
      const [silent, away] = [await firing("OperatorSilent"), await firing("OperatorBusAway")];
      return !silent.some(isTicketers) && away.length === 0;
    });

    function isTicketers(labels: Record<string, string>): boolean {
      return labels["service"] === "ticketer";
    }
  }, 420_000);
});
