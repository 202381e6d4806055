import type { Detail } from "@operator/contracts/violation";
import { SourceName, TargetName } from "@operator/contracts/names";

/** A target that no room has. */
export const nowhere = TargetName.parse("nowhere");

/** A detail of each kind. */
export const details: Detail[] = [
  { kind: "unreachable", how: "refused", silentMs: 0 },
  { kind: "unreachable", how: "silent", silentMs: 1_000 },
  { kind: "threshold", value: 2, limit: 1, unit: "ms" },
  { kind: "state", value: "bad", expected: "good" },
  { kind: "blind", source: SourceName.parse("probe"), about: nowhere, code: "TIMEOUT" },
  { kind: "silent_service", service: "observer", silentMs: 5_000 },
];
