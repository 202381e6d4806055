type Labels = Record<string, string | number>;

/** Prometheus' text format. Values as Go prints them don't matter: every float is read. */
export class MetricsText {
  readonly #lines: string[] = [];
  readonly #typed = new Set<string>();

  gauge(name: string, value: number, labels: Labels = {}): void {
    this.#sample(name, "gauge", value, labels);
  }

  counter(name: string, value: number, labels: Labels = {}): void {
    this.#sample(name, "counter", value, labels);
  }

  /** `counts`: what fell into each bucket, not yet added up; one more than `bounds` for what lies past the last. */
  histogram(name: string, bounds: number[], counts: number[], sum: number, labels: Labels = {}): void {
    this.#type(name, "histogram");
    let total = 0;
    bounds.forEach((bound, at) => {
      total += counts[at] ?? 0;
      this.#lines.push(`${name}_bucket${braces({ ...labels, le: String(bound) })} ${total}`);
    });
    total += counts[bounds.length] ?? 0;
    this.#lines.push(`${name}_bucket${braces({ ...labels, le: "+Inf" })} ${total}`);
    this.#lines.push(`${name}_sum${braces(labels)} ${sum}`, `${name}_count${braces(labels)} ${total}`);
  }

  toString(): string {
    return `${this.#lines.join("\n")}\n`;
  }

  #sample(name: string, type: string, value: number, labels: Labels): void {
    this.#type(name, type);
    this.#lines.push(`${name}${braces(labels)} ${value}`);
  }

  #type(name: string, type: string): void {
    if (this.#typed.has(name)) return;
    this.#typed.add(name);
    this.#lines.push(`# TYPE ${name} ${type}`);
  }
}

/** What every process exports of itself. */
export function processMetrics(text: MetricsText, startedAtMs: number): void {
  const { user, system } = process.cpuUsage();
  text.counter("process_cpu_seconds_total", (user + system) / 1e6);
  text.gauge("process_resident_memory_bytes", process.memoryUsage.rss());
  text.gauge("process_start_time_seconds", startedAtMs / 1_000);
}

function braces(labels: Labels): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${String(value).replace(/["\\\n]/g, "")}"`);
  return pairs.length === 0 ? "" : `{${pairs.join(",")}}`;
}
