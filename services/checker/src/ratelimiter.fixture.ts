import { SubjectName } from "@operator/contracts/names";
import { Snapshot } from "@operator/contracts/snapshot";
import { startMs } from "./snapshots.fixture.ts";

export const subject = SubjectName.parse("ratelimiter");
export const nodes = ["node-a", "node-b", "node-c"];

export type Probe = "up" | "refused" | "silent";

/** The rate limiter as the observer sees it. */
export class Limiter {
  probe: Record<string, Probe> = { "node-a": "up", "node-b": "up", "node-c": "up", redis: "up" };
  connected: Record<string, boolean> = { "node-a": true, "node-b": true, "node-c": true };
  p99Ms: Record<string, number> = { "node-a": 5, "node-b": 5, "node-c": 5 };
  requests = 200;
  /** `<source>/<target>` that can't be read now. */
  unreadable = new Set<string>();
  draining: string[] = [];
  departed: string[] = [];
  atMs = startMs;
  #n = 0;
  readonly #readAtMs: Record<string, number> = {};
  readonly #sinceMs: Record<string, number> = {};
  readonly #was: Record<string, Probe> = {};

  /** The next snapshot, so much later. */
  next(afterMs = 1_000): Snapshot {
    this.atMs += afterMs;
    const { atMs } = this;
    const members = nodes.filter((node) => !this.departed.includes(node));
    const probed = Object.entries(this.probe).filter(([target]) => !this.departed.includes(target));
    const report = (source: string, targets: string[], rhythmMs: number) => {
      const reports = targets.map((target) => {
        const key = `${source}/${target}`;
        if (!this.unreadable.has(key)) this.#readAtMs[key] = atMs - 40;
        const error = { code: "TIMEOUT", message: "no answer", sinceMs: atMs };
        const readAtMs = this.#readAtMs[key];
        return [target, { ...(readAtMs ? { readAtMs } : {}), ...(this.unreadable.has(key) ? { error } : {}) }];
      });
      return [source, { rhythmMs, targets: Object.fromEntries(reports) }];
    };
    for (const [target, state] of probed) {
      if (this.#was[target] !== state) this.#sinceMs[target] = atMs - 20;
      this.#was[target] = state;
    }
    return Snapshot.parse({
      subject,
      epoch: 1,
      n: ++this.#n,
      atMs,
      cause: "rhythm",
      sources: Object.fromEntries([
        report(
          "probe",
          probed.map(([target]) => target),
          250,
        ),
        report("metrics", members, 1_000),
        report("registry", ["cluster"], 1_000),
        report("redis", ["redis"], 1_000),
      ]),
      parts: {
        probe: Object.fromEntries(
          probed.map(([target, state]) => [
            target,
            {
              state,
              sinceMs: this.#sinceMs[target],
              address: "127.0.0.1:1",
              ...(state === "up" ? { lastAnswerAtMs: atMs - 40 } : { code: "X" }),
            },
          ]),
        ),
        metrics: Object.fromEntries(
          members.map((node) => [
            node,
            {
              redisConnected: this.connected[node],
              windowMs: 10_000,
              requests: this.requests,
              latencyP99Ms: this.p99Ms[node],
            },
          ]),
        ),
        registry: {
          cluster: {
            redisTimeMs: atMs,
            members,
            nodes: Object.fromEntries(
              members.map((node) => [
                node,
                { present: true, status: this.draining.includes(node) ? "draining" : "up" },
              ]),
            ),
            departed: Object.fromEntries(this.departed.map((node) => [node, atMs])),
          },
        },
        redis: { redis: { role: "master" } },
      },
    });
  }
}
