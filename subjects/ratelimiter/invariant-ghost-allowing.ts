import { toPointer } from "@operator/contracts/json";
import type { Invariant } from "@operator/subject/invariant";
import { nodeLeft } from "./left.ts";
import type { State } from "./state.ts";

/** Whoever admits is counted: by Redis, and by the register. */
export const ghostAllowing: Invariant<State> = {
  name: "ghost_allowing",
  title: "No node admits uncounted",
  severity: "critical",
  graceMs: 7_000,
  worstDetectionMs: 12_000,
  limit: "counted",
  why: "A node that admits by its failure policy, or while the register has no heartbeat of it and so perhaps in another Redis, keeps no limit, and from outside all looks well. 7 s is more than a blip of Redis, a start and a heartbeat take, and than redis_disconnected takes to be found, which would explain it. While Redis is down nobody can tell who is registered: redis_down says that.",
  targets: ({ metrics }) => Object.keys(metrics ?? {}),
  needs: (node) => [
    { source: "metrics", target: node },
    { source: "registry", target: "cluster" },
  ],
  judge: (state, node) => {
    const metrics = state.metrics?.[node];
    const cluster = state.registry?.["cluster"];
    const { redisConnected, allowedPerS, byFailOpenPerS, failedOpenLately } = metrics ?? {};
    if (!cluster || allowedPerS === undefined || byFailOpenPerS === undefined || failedOpenLately === undefined) {
      return { verdict: "unknown", reason: `${node} doesn't say yet what it admits, and by whom` };
    }
    const pointer = (field: string) => toPointer(["parts", "metrics", node, field]);
    // After a blip the window of 10 s still shows it; what counts is whether it goes on.
    if (redisConnected === false ? byFailOpenPerS > 0 : failedOpenLately > 0) {
      return {
        verdict: "violated",
        reason: `${node} admits by its failure policy, ${byFailOpenPerS} a second: nobody counts them`,
        value: "fail_open",
        detail: { kind: "state", value: "fail_open", expected: "counted" },
        pointers: [pointer("byFailOpenPerS"), pointer("failedOpenLately"), pointer("redisConnected")],
      };
    }
    const entry = toPointer(["parts", "registry", "cluster", "members"]);
    if (allowedPerS > 0 && !(cluster.members.includes(node) && cluster.nodes[node]?.present)) {
      return {
        verdict: "violated",
        reason: `${node} admits ${allowedPerS} a second, and the register has no heartbeat of it`,
        value: "unregistered",
        detail: { kind: "state", value: "unregistered", expected: "counted" },
        pointers: [pointer("allowedPerS"), pointer("redisConnected"), entry],
      };
    }
    return {
      verdict: "ok",
      reason: allowedPerS > 0 ? `${node} is registered, and Redis counts what it admits` : `${node} admits nothing`,
      value: "counted",
      pointers: [pointer("byFailOpenPerS"), pointer("allowedPerS"), entry],
    };
  },
  left: nodeLeft,
};
