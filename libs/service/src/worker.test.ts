import { Bus } from "@operator/bus/bus";
import { Passing } from "@operator/bus/failure";
import { flow } from "@operator/contracts/flow";
import { Job } from "@operator/contracts/job";
import { InstanceName } from "@operator/contracts/names";
import { ticketIdOf } from "@operator/contracts/ticket-id";
import { startProvisionedNats } from "@operator/stack/nats-server";
import { expect, test } from "vitest";
import { contextOf } from "./context.fixture.ts";
import { worker } from "./worker.ts";

test(
  "a slot does the work of several workers, and what it handled, failed ones too, is measured",
  { timeout: 30_000 },
  async () => {
    await using server = await startProvisionedNats();
    const connect = (user: "ticketer" | "diagnoser") =>
      Bus.connect({ servers: server.url, user, password: server.passwords[user], instance: InstanceName.parse(user) });
    await using ticketer = await connect("ticketer");
    await using diagnoser = await connect("diagnoser");
    for (const severity of ["warning", "critical"] as const) {
      const ticket = ticketIdOf({ subject: "s", invariant: "node_down", target: severity, generation: 1 });
      const job = { subject: "s", ticket, attempt: 1, severity, queuedAtMs: 1, why: "first-seen" };
      await ticketer.publish(flow.job, Job.parse(job));
    }
    const stop = new AbortController();
    const context = contextOf(diagnoser, stop.signal);
    const seen: string[] = [];
    await worker(context, ["diagnoser-critical", "diagnoser-normal"], flow.job, {
      exhausted: async () => {},
      handle: async ({ message }) => {
        seen.push(message.severity);
        if (seen.length === 1) throw new Passing(1, "not yet");
        if (seen.length === 3) stop.abort();
      },
    });
    expect(seen.sort()).toEqual(["critical", "critical", "warning"]);
    const text = await context.metrics.registry.getSingleMetricAsString("operator_handling_seconds");
    expect(text).toContain(`operator_handling_seconds_count{service="diagnoser",channel="job"} 3`);
  },
);
