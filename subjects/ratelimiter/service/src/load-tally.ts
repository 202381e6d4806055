/** What became of one request. `errors` is also a node that's down, and a limiter that says it can't decide. */
export type Answer = {
  node: string;
  outcome: "allowed" | "denied" | "errors";
  degraded: boolean;
  overAdmitted: boolean;
  tookMs: number;
};

export type Tally = ReturnType<typeof createTally>;

/** Counts answers; `report` gives the figures of a line. Percentiles are of all answers, failed ones too. */
export function createTally(nodes: string[]) {
  const counts = { sent: 0, allowed: 0, denied: 0, errors: 0, degraded: 0, overAdmitted: 0 };
  const tookMs: number[] = [];
  const byNode = new Map(nodes.map((node) => [node, { answers: 0, errors: 0, tookMs: new Array<number>() }]));

  return {
    sent: () => void counts.sent++,
    answered(answer: Answer): void {
      counts[answer.outcome]++;
      if (answer.degraded) counts.degraded++;
      if (answer.overAdmitted) counts.overAdmitted++;
      tookMs.push(answer.tookMs);
      const node = byNode.get(answer.node);
      if (!node) return;
      node.answers++;
      node.tookMs.push(answer.tookMs);
      if (answer.outcome === "errors") node.errors++;
    },
    report: () => ({
      ...counts,
      p50Ms: percentile(tookMs, 0.5),
      p99Ms: percentile(tookMs, 0.99),
      byNode: Object.fromEntries(
        [...byNode].map(([node, { answers, errors, tookMs }]) => [
          node,
          { answers, errors, p99Ms: percentile(tookMs, 0.99) },
        ]),
      ),
    }),
  };
}

/** By nearest rank, to a hundredth of a millisecond; null when there was nothing. */
export function percentile(values: number[], rank: number): number | null {
  const sorted = values.toSorted((a, b) => a - b);
  const value = sorted[Math.max(0, Math.ceil(rank * sorted.length) - 1)];
  return value === undefined ? null : Math.round(value * 100) / 100;
}
