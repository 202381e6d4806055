import type { Ticket } from "@operator/contracts/ticket";
import type { LoadLine } from "./load-lines.ts";

/** A probe waits so long for an answer: what took the load longer may have been silence to it. */
const silentMs = 500;
/** The load says a line a second: when it didn't for so long, the machine stood still. */
const gapMsMax = 2_000;
const aroundMs = 2_000;
/** Of a window that a latency is measured over, so many seconds must have been slow. */
const slowShareMin = 0.1;

/**
 * What the load itself saw while a ticket came to be that speaks for the ticket, e.g. `1 error`. Undefined: its figures
 * contradict the ticket. `url`: where the load asked the ticket's target, when it asked it.
 */
export function supportFor(
  ticket: Pick<Ticket, "openedAtMs" | "violation">,
  lines: readonly LoadLine[],
  url: string | undefined,
): string | undefined {
  const { sinceMs, detail } = ticket.violation;
  const [fromMs, toMs] = [sinceMs - aroundMs, ticket.openedAtMs + aroundMs];
  const around = lines.filter(({ atMs }) => atMs >= fromMs && atMs <= toMs);
  const gapMs = longestGapMs(lines, fromMs, toMs);
  if (gapMs > gapMsMax) return `the load itself stood still for ${Math.round(gapMs)} ms`;

  const seen = around.map((line) => (url === undefined ? line : (line.byNode[url] ?? { errors: 0, p99Ms: null })));
  const errors = seen.reduce((sum, one) => sum + one.errors, 0);
  if (errors > 0) return `${errors} errors`;
  const slowMs = detail.kind === "threshold" && detail.unit === "ms" ? detail.limit : silentMs;
  const slow = seen.filter(({ p99Ms }) => p99Ms !== null && p99Ms > slowMs).length;
  if (slow > 0 && (detail.kind !== "threshold" || slow >= seen.length * slowShareMin)) {
    return `${slow} of ${seen.length} seconds with a p99 above ${slowMs} ms`;
  }
  const degraded = around.reduce((sum, line) => sum + line.degraded, 0);
  if (detail.kind !== "unreachable" && degraded > 0) return `${degraded} decisions without Redis`;
  return undefined;
}

/** Between lines, and from the last one before the window and to the first one after it. */
function longestGapMs(lines: readonly LoadLine[], fromMs: number, toMs: number): number {
  const times = lines.map(({ atMs }) => atMs).sort((a, b) => a - b);
  let longest = 0;
  for (const [at, time] of times.entries()) {
    const next = times[at + 1];
    if (next !== undefined && next >= fromMs && time <= toMs) longest = Math.max(longest, next - time);
  }
  return longest;
}
