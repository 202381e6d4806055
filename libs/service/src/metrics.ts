import type { BusCounters } from "@operator/bus/bus-log";
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from "prom-client";

/** What a service measures of itself, for Prometheus. A service adds its own to `registry`. */
export class ServiceMetrics {
  readonly registry = new Registry();
  readonly #in = this.counter("operator_messages_in_total", "Messages received", ["channel"]);
  readonly #out = this.counter("operator_messages_out_total", "Messages sent", ["channel", "stored"]);
  readonly #redelivered = this.counter("operator_redeliveries_total", "Messages of work that came again", ["channel"]);
  readonly #dead = this.counter("operator_dead_letters_total", "Messages that couldn't be read or carried out", [
    "channel",
    "code",
  ]);
  readonly #gaps = this.counter("operator_gaps_total", "Times that messages were gone before they were read", [
    "channel",
  ]);
  readonly #tickFailures = this.counter("operator_tick_failures_total", "Ticks that failed", ["tick"]);
  readonly #handling = this.#histogram("operator_handling_seconds", "Time to handle what was received", ["channel"]);
  readonly #ticking = this.#histogram("operator_tick_seconds", "Time that a tick took", ["tick"]);
  readonly #lag = new Gauge({
    name: "operator_event_lag_seconds",
    help: "Age of the newest handled message's event time when it had been handled",
    labelNames: ["channel"],
    registers: [this.registry],
  });
  readonly #up = new Gauge({
    name: "operator_bus_up",
    help: "1 while the connection to the bus stands",
    registers: [this.registry],
  });

  constructor(service: string) {
    this.registry.setDefaultLabels({ service });
    // The event loop's delay is sampled by a timer: at the default of 10 ms, idle services would be awake all the time.
    collectDefaultMetrics({ register: this.registry, eventLoopMonitoringPrecision: 100 });
  }

  /** For the bus to count with. */
  busCounters(): BusCounters {
    return {
      sent: (channel, stored) => this.#out.inc({ channel, stored }),
      received: (channel, count) => this.#in.inc({ channel }, count),
      redelivered: (channel) => this.#redelivered.inc({ channel }),
      deadLetter: (channel, code) => this.#dead.inc({ channel, code }),
      gap: (channel) => this.#gaps.inc({ channel }),
      connection: (state) => this.#up.set(state === "back" ? 1 : 0),
    };
  }

  connected(): void {
    this.#up.set(1);
  }

  handled(channel: string, seconds: number): void {
    this.#handling.observe({ channel }, seconds);
  }

  lag(channel: string, seconds: number): void {
    this.#lag.set({ channel }, seconds);
  }

  ticked(tick: string, seconds: number, failed: boolean): void {
    this.#ticking.observe({ tick }, seconds);
    this.#tickFailures.inc({ tick }, failed ? 1 : 0);
  }

  /** A counter of the service's own. */
  counter(name: string, help: string, labelNames: string[]): Counter {
    return new Counter({ name, help, labelNames, registers: [this.registry] });
  }

  #histogram(name: string, help: string, labelNames: string[]): Histogram {
    const buckets = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10, 60];
    return new Histogram({ name, help, labelNames, buckets, registers: [this.registry] });
  }
}
