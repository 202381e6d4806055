/** What kind of value a key of PD's config takes, by Go's name for it. */
type Kind = "uint64" | "int" | "float64" | "bool" | "duration" | "string";

/** PD's schedule config at its defaults, in the order in which PD prints it. Booleans are strings there. */
const scheduleDefaults: Record<string, [kind: Kind, value: number | string]> = {
  "max-snapshot-count": ["uint64", 64],
  "max-pending-peer-count": ["uint64", 64],
  "max-merge-region-size": ["uint64", 54],
  "max-merge-region-keys": ["uint64", 540_000],
  "split-merge-interval": ["duration", "1h0m0s"],
  "switch-witness-interval": ["duration", "1h0m0s"],
  "enable-one-way-merge": ["bool", "false"],
  "enable-cross-table-merge": ["bool", "true"],
  "patrol-region-interval": ["duration", "10ms"],
  "max-store-down-time": ["duration", "30m0s"],
  "max-store-preparing-time": ["duration", "48h0m0s"],
  "leader-schedule-limit": ["uint64", 4],
  "leader-schedule-policy": ["string", "count"],
  "region-schedule-limit": ["uint64", 2_048],
  "witness-schedule-limit": ["uint64", 4],
  "replica-schedule-limit": ["uint64", 64],
  "merge-schedule-limit": ["uint64", 8],
  "hot-region-schedule-limit": ["uint64", 4],
  "affinity-schedule-limit": ["uint64", 0],
  "hot-region-cache-hits-threshold": ["uint64", 3],
  "tolerant-size-ratio": ["float64", 0],
  "low-space-ratio": ["float64", 0.8],
  "high-space-ratio": ["float64", 0.7],
  "region-score-formula-version": ["string", "v2"],
  "scheduler-max-waiting-operator": ["uint64", 5],
  "enable-remove-down-replica": ["bool", "true"],
  "enable-replace-offline-replica": ["bool", "true"],
  "enable-make-up-replica": ["bool", "true"],
  "enable-remove-extra-replica": ["bool", "true"],
  "enable-location-replacement": ["bool", "true"],
  "enable-debug-metrics": ["bool", "false"],
  "enable-joint-consensus": ["bool", "true"],
  "enable-tikv-split-region": ["bool", "true"],
  "enable-heartbeat-breakdown-metrics": ["bool", "true"],
  "enable-heartbeat-concurrent-runner": ["bool", "true"],
  "hot-regions-write-interval": ["duration", "10m0s"],
  "hot-regions-reserved-days": ["uint64", 7],
  "max-movable-hot-peer-size": ["int", 512],
  "enable-diagnostic": ["bool", "true"],
  "enable-witness": ["bool", "false"],
  "slow-store-evicting-affected-store-ratio-threshold": ["float64", 0.3],
  "store-limit-version": ["string", "v1"],
  "patrol-region-worker-count": ["int", 1],
  "max-affinity-merge-region-size": ["uint64", 256],
};

/** Left out of the answer while it's false. */
const hidden: Record<string, [kind: Kind, value: string]> = { "halt-scheduling": ["bool", "false"] };

const replicationDefaults: Record<string, [kind: Kind, value: number | string]> = {
  "max-replicas": ["uint64", 3],
  "location-labels": ["string", ""],
  "strictly-match-label": ["bool", "false"],
  "enable-placement-rules": ["bool", "true"],
  "enable-placement-rules-cache": ["bool", "false"],
  "isolation-level": ["string", ""],
};

const sections = {
  schedule: { struct: "ScheduleConfig", keys: { ...scheduleDefaults, ...hidden } },
  replication: { struct: "ReplicationConfig", keys: replicationDefaults },
};

/** What was set, by section and key; everything else has its default. */
export type ConfigSet = Record<string, number | string>;

export function scheduleOf(set: ConfigSet): Record<string, number | string> {
  const values = valuesOf(scheduleDefaults, set, "schedule");
  return set["schedule.halt-scheduling"] === "true" ? { ...values, "halt-scheduling": "true" } : values;
}

export function replicationOf(set: ConfigSet): Record<string, number | string> {
  return valuesOf(replicationDefaults, set, "replication");
}

function valuesOf(keys: Record<string, [Kind, number | string]>, set: ConfigSet, section: string) {
  return Object.fromEntries(Object.entries(keys).map(([key, [, value]]) => [key, set[`${section}.${key}`] ?? value]));
}

/**
 * What `POST /config` with these keys (flat, or with `schedule.` or `replication.` before) sets; or PD's error. With
 * `only`, an unknown key is passed over, as `POST /config/schedule` does.
 */
export function readUpdate(
  update: Record<string, unknown>,
  only?: keyof typeof sections,
): { set: ConfigSet } | { error: string } {
  const set: ConfigSet = {};
  for (const [name, value] of Object.entries(update)) {
    const found = find(name, only);
    if (found === undefined) {
      if (only !== undefined) continue;
      return { error: notFound(name) };
    }
    const read = valueOf(found.kind, value);
    if (read === undefined) {
      const { struct } = sections[found.section];
      return {
        error: `json: cannot unmarshal ${kindOf(value)} into Go struct field ${struct}.${found.key} of type ${found.kind}`,
      };
    }
    set[`${found.section}.${found.key}`] = read;
  }
  return { set };
}

function notFound(name: string): string {
  const [prefix = "", ...rest] = name.split(".");
  return rest.length > 0 && !(prefix in sections)
    ? `config prefix ${prefix} not found`
    : `config item ${rest.join(".") || name} not found`;
}

function find(name: string, only: keyof typeof sections | undefined) {
  for (const section of ["schedule", "replication"] as const) {
    if (only !== undefined && only !== section) continue;
    const key = name.startsWith(`${section}.`) ? name.slice(section.length + 1) : name;
    const kind = new Map(Object.entries<[Kind, number | string]>(sections[section].keys)).get(key)?.[0];
    if (kind !== undefined) return { section, key, kind };
  }
  return undefined;
}

function valueOf(kind: Kind, value: unknown): number | string | undefined {
  if (kind === "uint64") return typeof value === "number" && Number.isInteger(value) && value >= 0 ? value : undefined;
  if (kind === "int") return typeof value === "number" && Number.isInteger(value) ? value : undefined;
  if (kind === "float64") return typeof value === "number" ? value : undefined;
  if (kind === "bool")
    return value === true || value === "true" ? "true" : value === false || value === "false" ? "false" : undefined;
  return typeof value === "string" ? value : undefined;
}

function kindOf(value: unknown): string {
  if (typeof value === "boolean") return "bool";
  if (typeof value === "number") return `number ${value}`;
  if (Array.isArray(value)) return "array";
  return typeof value === "string" ? "string" : "object";
}

/** A config's duration, e.g. `30m0s`, in ms; undefined for what is none. */
export function durationMs(text: string): number | undefined {
  const parts = [...text.matchAll(/(\d+(?:\.\d+)?)(h|ms|m|s)/g)];
  if (parts.length === 0 || parts.map(([part]) => part).join("") !== text) return undefined;
  const unitMs: Record<string, number> = { h: 3_600_000, m: 60_000, s: 1_000, ms: 1 };
  return parts.reduce((sum, [, amount, unit]) => sum + Number(amount) * (unitMs[unit ?? ""] ?? 0), 0);
}
