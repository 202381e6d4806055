/** Fields that a real one leaves out when they're zero, false or empty, so either side may lack them. */
const optional = new Set([
  "state",
  "learner_count",
  "pending_peer_count",
  "slow_score",
  "network_slow_score",
  "slow_trend",
  "is_busy",
  "down_peers",
  "pending_peers",
  "is_learner",
  "store_id",
  "id",
  "physically_destroyed",
  // Only once it has sent a heartbeat.
  "last_heartbeat",
  "last_heartbeat_ts",
  "uptime",
]);

/** Fields that came after v8.5.5 (tikv.md of the research, 9.1), or that went before it. */
const ofOtherVersions = new Set(
  `approximate_kv_size approximate_columnar_kv_size user_columnar_storage_size kernel_type store_cpu total_flow_cpu flow_cpu
  cpu-read-rate default-store-limit split-scatter-schedule-limit controller pause_leader_transfer_in metering temp-dir
  meta-service-groups enable-tso-dynamic-switching enable-resource-manager-fallback`.split(/\s+/),
);

/** Fake stores, of which some recordings were taken, told PD less than a real one does. */
const ofRealStores = new Set(["peer_address", "status_address", "git_hash", "start_timestamp", "deploy_path"]);

/** In what the second isn't like the first: fields, JSON types, formats of texts. Values may differ. */
export function unlike(real: unknown, ours: unknown, at = "", isFake = false): string[] {
  if (kindOf(real) !== kindOf(ours)) return [`${at || "the answer"} is ${kindOf(real)}, ours ${kindOf(ours)}`];
  if (Array.isArray(real) && Array.isArray(ours)) {
    const [first] = real;
    return first === undefined ? [] : ours.flatMap((each, nth) => unlike(merged(real), each, `${at}[${nth}]`, isFake));
  }
  if (isObject(real) && isObject(ours)) {
    if (isById(real) || isById(ours)) {
      const [first] = Object.values(real);
      return first === undefined
        ? []
        : Object.entries(ours).flatMap(([key, value]) => unlike(first, value, `${at}.${key}`, isFake));
    }
    const isExcused = (key: string) =>
      optional.has(key) || ofOtherVersions.has(key) || (isFake && ofRealStores.has(key));
    const missing = Object.keys(real).filter((key) => !(key in ours) && !isExcused(key));
    const extra = Object.keys(ours).filter((key) => !(key in real) && !isExcused(key));
    const both = Object.keys(real).filter((key) => key in ours && key in real);
    return [
      ...missing.map((key) => `${at}.${key} is missing`),
      ...extra.map((key) => `${at}.${key} isn't in a real one`),
      ...both.flatMap((key) => unlike(real[key], ours[key], `${at}.${key}`, isFake)),
    ];
  }
  if (
    typeof real === "string" &&
    typeof ours === "string" &&
    real !== "" &&
    ours !== "" &&
    formatOf(real) !== formatOf(ours)
  )
    return [`${at} is ${formatOf(real)} (${real}), ours ${formatOf(ours)} (${ours})`];
  return [];
}

/** A text with its numbers, times and durations taken out: what remains is PD's own wording. */
export function worded(text: string): string {
  return text
    .replaceAll(/\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d+)? \+0000 UTC m=\+[\d.]+/g, "<time>")
    .replaceAll(/duration:[\d.hmµns]+/g, "duration:<duration>")
    .replaceAll(/\d+/g, "<n>");
}

/** A whole number that's too long for a JS number is one too. */
function kindOf(value: unknown): string {
  if (value === null) return "null";
  if (Array.isArray(value)) return "array";
  return typeof value === "bigint" ? "number" : typeof value;
}

const formats: [name: string, pattern: RegExp][] = [
  ["a time", /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/],
  ["a size", /^[\d.]+(B|KiB|MiB|GiB|TiB)$/],
  ["a duration", /^([\d.]+(h|m|s|ms|µs))+$/],
  ["a boolean", /^(true|false)$/],
  ["a URL", /^http:\/\//],
  ["an address", /^(mock:\/\/)?[\w.-]+:\d+$/],
  ["keys in hex", /^([0-9A-F]{2})+$/],
  ["a state", /^(Up|Disconnected|Down|Offline|Tombstone)$/],
  ["a role", /^(Voter|Learner)$/],
];

function formatOf(text: string): string {
  return formats.find(([, pattern]) => pattern.test(text))?.[0] ?? "a text";
}

/** All fields that any of the elements has. */
function merged(elements: unknown[]): unknown {
  const objects = elements.filter(isObject);
  return objects.length === elements.length ? Object.assign({}, ...objects.toReversed()) : elements[0];
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Keyed by stores' ids, not by names. */
function isById(value: Record<string, unknown>): boolean {
  const keys = Object.keys(value);
  return keys.length > 0 && keys.every((key) => /^\d+$/.test(key));
}
