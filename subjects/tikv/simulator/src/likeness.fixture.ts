import { decodeJson } from "./exact-json.ts";

/** Fields that a real one leaves out when they're zero, false or empty: an element may lack them, but not all where a real one's has them. */
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
  "physically_destroyed",
  // Only once it has sent a heartbeat.
  "last_heartbeat",
  "last_heartbeat_ts",
  "uptime",
]);

/** Fields whose values are words, or numbers that stand for words: these have to be the same. */
const enumerated = new Set(["state", "state_name", "node_state", "role_name", "kind", "status"]);

/** Fields that came after v8.5.5 (tikv.md of the research, 9.1), or that went before it. */
const ofOtherVersions = new Set(
  `approximate_kv_size approximate_columnar_kv_size user_columnar_storage_size kernel_type store_cpu total_flow_cpu flow_cpu
  cpu-read-rate default-store-limit split-scatter-schedule-limit controller pause_leader_transfer_in metering temp-dir
  meta-service-groups enable-tso-dynamic-switching enable-resource-manager-fallback`.split(/\s+/),
);

/** Fake stores, of which some recordings were taken, told PD less than a real one does. */
const ofRealStores = new Set(["peer_address", "status_address", "git_hash", "start_timestamp", "deploy_path"]);

/**
 * In what the second isn't like the first: fields, JSON types, formats of texts, what is empty, and the values that are words;
 * texts in a list as a set, without their numbers. Other values may differ.
 */
export function unlike(real: unknown, ours: unknown, isFake = false): string[] {
  return [...differentlyShaped(real, ours, "", isFake), ...differentlySaid(signsOf(real), signsOf(ours))];
}

function differentlyShaped(real: unknown, ours: unknown, at: string, isFake: boolean): string[] {
  if (kindOf(real) !== kindOf(ours)) return [`${at || "the answer"} is ${kindOf(real)}, ours ${kindOf(ours)}`];
  if (Array.isArray(real) && Array.isArray(ours)) {
    if ((real.length === 0) !== (ours.length === 0)) return [`${at || "the answer"} ${emptiness(real, ours)}`];
    return ours.flatMap((each, nth) => differentlyShaped(merged(real), each, `${at}[${nth}]`, isFake));
  }
  if (isObject(real) && isObject(ours)) {
    if (isById(real) || isById(ours)) {
      const [realOnes, ourOnes] = [Object.entries(real), Object.entries(ours)];
      const [first] = realOnes;
      if (first === undefined || ourOnes.length === 0) return [`${at} ${emptiness(realOnes, ourOnes)}`];
      // Which of them is which is chance: each is like one of the others.
      const isLike = (real: unknown, ours: unknown) => differentlyShaped(real, ours, at, isFake).length === 0;
      const strange = ourOnes.filter(([, each]) => !realOnes.some(([, real]) => isLike(real, each)));
      const lacking = realOnes.filter(([, real]) => !ourOnes.some(([, each]) => isLike(real, each)));
      return [
        ...strange.flatMap(([id, each]) => differentlyShaped(first[1], each, `${at}.${id}`, isFake)),
        ...lacking.map(([id]) => `${at} has none like ${id}`),
      ];
    }
    const isNobody = [real, ours].some((peer) => peer["role_name"] === "");
    const isExcused = (key: string) =>
      optional.has(key) ||
      ofOtherVersions.has(key) ||
      (isFake && ofRealStores.has(key)) ||
      // Of a leader that PD doesn't know, only that it's none.
      (isNobody && (key === "id" || key === "store_id"));
    const missing = Object.keys(real).filter((key) => !(key in ours) && !isExcused(key));
    const extra = Object.keys(ours).filter((key) => !(key in real) && !isExcused(key));
    const both = Object.keys(real).filter((key) => key in ours);
    return [
      ...missing.map((key) => `${at}.${key} is missing`),
      ...extra.map((key) => `${at}.${key} isn't in a real one`),
      ...both.flatMap((key) => differentlyShaped(real[key], ours[key], `${at}.${key}`, isFake)),
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

function emptiness(real: unknown[], ours: unknown[]): string {
  return `has ${real.length} in it, ours ${ours.length}`;
}

/** By a field's place, whichever element it's of: the words that are there. */
type Signs = Map<string, Set<string>>;

function signsOf(value: unknown, at = "", signs: Signs = new Map()): Signs {
  const sign = (place: string, word: string) => signs.set(place, (signs.get(place) ?? new Set()).add(word));
  if (Array.isArray(value))
    for (const each of value) {
      if (typeof each === "string") sign(`${at}[]`, worded(each));
      else signsOf(each, `${at}[]`, signs);
    }
  else if (isObject(value))
    for (const [key, each] of Object.entries(value)) {
      const place = `${at}.${isById(value) ? "<id>" : key}`;
      if (enumerated.has(key) && !isObject(each)) sign(place, String(each));
      else if (optional.has(key)) sign(place, "(given)");
      signsOf(each, place, signs);
    }
  return signs;
}

/** Where ours gives what a real one left out, it's by another state; what a real one gave, ours has to. */
function differentlySaid(real: Signs, ours: Signs): string[] {
  return [...real].flatMap(([place, words]) => {
    const said = ours.get(place) ?? new Set<string>();
    return listed(words) === listed(said) ? [] : [`${place} says ${listed(words)}, ours ${listed(said)}`];
  });
}

function listed(words: Set<string>): string {
  return words.size === 0 ? "nothing" : [...words].sort((a, b) => a.localeCompare(b)).join(" | ");
}

/** An answer's text, against the recorded one: a bare text is an error, or a word of success, so its wording is compared. */
export function unlikeText(real: string, ours: string, isFake = false): string[] {
  let value: unknown;
  try {
    value = decodeJson(real);
  } catch {
    value = real;
  }
  if (typeof value !== "string") return unlike(value, decodeJson(ours), isFake);
  return worded(real.trim()) === worded(ours.trim()) ? [] : [`says ${real}, ours ${ours}`];
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
