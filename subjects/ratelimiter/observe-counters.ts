import type { Reading, Source } from "@operator/subject/observation";
import { z } from "zod";
import { type AccountOfKey, type Accounts, connectAccounts } from "./observe-accounts.ts";
import type { WatchedKey, WatchedKeys } from "./observe-limits.ts";
import type { RedisLink } from "./observe-link.ts";
import type { KnownNodes } from "./observe-nodes.ts";
import type { CountersReading } from "./state.ts";
import { backMs, countedUntilUs, fullestOf, timesOf, type Window, windowsUntil } from "./windows.ts";

const usPerMs = 1_000;
/** A hit that is younger may not have reached the node that asked for it: a node waits at most its command timeout. */
const settleUs = 1_500 * usPerMs;
/** Redis forgets what leaves the window, while this is read too: so much less of its log is looked at. */
const readUs = 1_000 * usPerMs;

/** The clock, and when each key was reset last. */
const readClock = `
local time = redis.call('TIME')
local resets = {}
for at = 1, #ARGV do resets[at] = redis.call('GET', KEYS[1] .. ARGV[at]) or '0' end
return { string.format('%.0f', time[1] * 1000000 + time[2]), resets }
`;
/**
 * Hits of each key after one time, and after another, until a third, and hits of a time that is yet to come: searches in
 * the sorted set, no walk.
 */
const countHits = `
local time = redis.call('TIME')
local now = string.format('%.0f', time[1] * 1000000 + time[2])
local counts = {}
for at = 1, #ARGV, 4 do
  local log = KEYS[1] .. ARGV[at]
  counts[#counts + 1] = redis.call('ZCOUNT', log, '(' .. ARGV[at + 1], ARGV[at + 3])
  counts[#counts + 1] = redis.call('ZCOUNT', log, '(' .. ARGV[at + 2], ARGV[at + 3])
  counts[#counts + 1] = redis.call('ZCOUNT', log, '(' .. now, '+inf')
end
return counts
`;
const Clock = z.tuple([z.coerce.number(), z.array(z.coerce.number())]);
const Counts = z.array(z.int().nonnegative());

/**
 * What nodes say they admitted of the watched keys against what Redis has logged of them, over one and the same span of
 * Redis' time. Costs two short questions to each node and three to Redis, however many keys there are beside the watched.
 */
export function countersSource(
  redis: RedisLink,
  nodes: KnownNodes,
  watched: WatchedKeys,
): Source & { close: () => Promise<void> } {
  const accounts = connectAccounts();
  return {
    name: "counters",
    rhythmMs: 1_000,
    timeoutMs: 950,
    targets: () => watched.list().map(({ target }) => target),
    read: async (signal) => {
      const left = watched.gone().map((target) => [target, { left: true }] as const);
      const readings = await readCounters({ redis, nodes, accounts }, watched.list(), signal);
      return Object.fromEntries<Reading>([...readings.map(([target, value]) => [target, { value }] as const), ...left]);
    },
    close: accounts.close,
  };
}

interface Asked {
  redis: RedisLink;
  nodes: KnownNodes;
  accounts: Accounts;
}

async function readCounters(
  { redis, nodes, accounts }: Asked,
  keys: readonly WatchedKey[],
  signal: AbortSignal,
): Promise<[string, CountersReading][]> {
  if (keys.length === 0) return [];
  const names = keys.map(({ key }) => key);
  const [nowUs, resets] = Clock.parse(await redis.call("EVAL_RO", readClock, "1", "ratelimiter:reset:", ...names));
  const info = z.string().parse(await redis.call("INFO", "server"));
  // Whole seconds, of two clocks that are cut off: it may have begun a second later than it says.
  const uptimeS = Number(/uptime_in_seconds:(\d+)/.exec(info)?.[1] ?? 0) - 1;
  const untilUs = nowUs - settleUs;
  // A node that left on purpose took its account along.
  const beganUs = Math.max(nowUs - uptimeS * 1_000_000, nodes.lastDepartureMs() * usPerMs);
  const urls = nodes.watched();
  const first = await accounts.ask(urls, { nowUs, untilUs, keys: names.map((key) => ({ key, sinceUs: [] })) }, signal);
  const spans = keys.map((key, at) =>
    spanOf(key, told(first, key.key), { nowUs, untilUs, beganUs, resetUs: resets[at] ?? 0 }),
  );
  const asked = spans.map(({ key, windowUs, fromUs, promisedUs, promisedFromUs, windows }) => ({
    key: key.key,
    sinceUs: [windowUs, fromUs, promisedUs, promisedFromUs, ...timesOf(windows)],
  }));
  const second = await accounts.ask(urls, { nowUs, untilUs, keys: asked }, signal);
  const places = spans.flatMap(({ key, windowUs, fromUs }) => [key.key, windowUs, fromUs, untilUs].map(String));
  const counts = Counts.parse(await redis.call("EVAL_RO", countHits, "1", "ratelimit:", ...places));
  return spans.map((span, at) => {
    const [window = 0, part = 0, ahead = 0] = counts.slice(3 * at, 3 * at + 3);
    const logged = { window, part, ahead };
    // Who was silent once knew something that the span doesn't.
    const silent = [...urls.keys()].filter(
      (id) => !first.get(id)?.has(span.key.key) || !second.get(id)?.has(span.key.key),
    );
    const accounts = told(second, span.key.key);
    const counted = accounts.map(([node, { admitted }]) => ({
      admittedAfter: admitted.slice(4),
      countedUntilUs: (window: Window) => countedUntilUs(nodes, node, nowUs, window),
    }));
    const fullest = nodes.isLearned() ? fullestOf(span.windows, counted) : undefined;
    return [span.key.target, readingOf(span, accounts, fullest, logged, silent)];
  });
}

type Told = [node: string, account: AccountOfKey][];

function told(answers: Map<string, Map<string, AccountOfKey> | undefined>, key: string): Told {
  return [...answers].flatMap(([node, keys]) => {
    const account = keys?.get(key);
    return account ? [[node, account] as [string, AccountOfKey]] : [];
  });
}

/** Which time is looked at: the window, and the part of it in which nobody began anew. In microseconds of Redis' clock. */
interface Span {
  key: WatchedKey;
  untilUs: number;
  windowUs: number;
  fromUs: number;
  promised: { limit: number; windowMs: number; by: "declared" | "stored" } | undefined;
  promisedUs: number;
  promisedFromUs: number;
  /** Of the promised length; none when nothing is promised. */
  windows: Window[];
}

function spanOf(
  key: WatchedKey,
  accounts: Told,
  { nowUs, untilUs, beganUs, resetUs }: { nowUs: number; untilUs: number; beganUs: number; resetUs: number },
): Span {
  const promised = key.declared
    ? { ...key.declared, by: "declared" as const }
    : key.stored && { ...key.stored, by: "stored" as const };
  const windows = accounts.map(([, { windowMs }]) => windowMs);
  const windowMs = windows.length > 0 ? Math.min(...windows) : (promised?.windowMs ?? 0);
  const within = (us: number) => Math.min(untilUs, us);
  // What was before a reset is gone on purpose: no window reaches back beyond it.
  const after = (us: number) => within(Math.max(0, resetUs, us));
  const windowUs = after(nowUs + readUs - windowMs * usPerMs);
  const promisedUs = after(untilUs - (promised?.windowMs ?? 0) * usPerMs);
  return {
    key,
    untilUs,
    windowUs,
    fromUs: within(Math.max(windowUs, beganUs, ...accounts.map(([, { fromUs }]) => fromUs))),
    promised,
    promisedUs,
    promisedFromUs: within(Math.max(promisedUs, beganUs)),
    windows: promised ? windowsUntil(untilUs, promised.windowMs * usPerMs, Math.max(resetUs, beganUs)) : [],
  };
}

function readingOf(
  span: Span,
  accounts: Told,
  fullest: number | undefined,
  logged: { window: number; part: number; ahead: number },
  silent: string[],
): CountersReading {
  const { key, promised, untilUs, fromUs, promisedUs } = span;
  const sum = (at: number) => accounts.reduce((total, [, { admitted }]) => total + (admitted[at] ?? 0), 0);
  const [inWindow, inPart, inPromised, inPromisedPart] = [sum(0), sum(1), sum(2), sum(3)];
  const uncompared = logged.window - logged.part + (inWindow - inPart);
  // Had there been hits before somebody began, Redis would have them in its log; what Redis lost, nodes still know.
  const isNothingEarlier = logged.window === logged.part;
  const isWhole =
    fullest !== undefined &&
    silent.length === 0 &&
    inPromised === inPromisedPart &&
    (fromUs <= promisedUs || isNothingEarlier);
  const limits = Map.groupBy(accounts, ([, { limit, windowMs }]) => `${limit}/${windowMs}`);
  return {
    key: key.key,
    applied: [...limits.values()].flatMap((all) => {
      const account = all[0]?.[1];
      return account ? [{ limit: account.limit, windowMs: account.windowMs, nodes: all.map(([node]) => node) }] : [];
    }),
    ...(key.stored && { stored: key.stored }),
    ...(key.declared && { declared: key.declared }),
    fromMs: Math.ceil(fromUs / usPerMs),
    toMs: Math.floor(untilUs / usPerMs),
    inRedis: logged.part + logged.ahead,
    ahead: logged.ahead,
    admitted: inPart,
    unsettled: accounts.reduce((total, [, { unanswered }]) => total + unanswered, 0),
    uncompared,
    silent,
    ...(promised && {
      promised: {
        ...promised,
        admitted: fullest ?? 0,
        isWhole,
        isHeld:
          promised.by === "declared" ||
          performance.now() - (key.storedSinceMs ?? Infinity) >= promised.windowMs + backMs,
      },
    }),
  };
}
