import { toPointer } from "@operator/contracts/json";
import type { Invariant } from "@operator/subject/invariant";
import { driftOf } from "./counters.ts";
import { keyLeft } from "./left.ts";
import type { State } from "./state.ts";

const pointersTo = (target: string, ...fields: string[]) =>
  fields.map((field) => toPointer(["parts", "counters", target, ...field.split("/")]));

const keys = {
  targets: ({ counters }: State) => Object.keys(counters ?? {}),
  needs: (target: string) => [{ source: "counters", target }],
  left: keyLeft,
};

/** No window holds more admissions than the limit that has to hold. */
export const overAdmission: Invariant<State> = {
  name: "over_admission",
  title: "No window admits more than its limit",
  severity: "critical",
  graceMs: 0,
  worstDetectionMs: 6_000,
  limit: "the key's limit",
  why: "It is what the limiter promises, so one window is enough: it fires at once. The nodes' own accounts are added up over windows that ended 1.5 to 5 s ago, one each 250 ms, and the fullest counts, against the declared limit of the key, else the stored one; a window that is too full only between two of these ends isn't seen. What the failure policy admits isn't counted, nor what a node admits after its place in the register has run out: ghost_allowing tells of both. Unknown where accounts don't reach back for a whole window: a node or Redis started, and an emptied Redis admits up to one limit more.",
  ...keys,
  judge: (state, target) => {
    const reading = state.counters?.[target];
    if (!reading?.promised) return { verdict: "unknown", reason: `no limit of ${target} is known that has to hold` };
    const { limit, windowMs, by, admitted, isWhole, isHeld } = reading.promised;
    const pointers = pointersTo(target, "promised/admitted", "promised/limit", "promised/windowMs");
    const reason = `nodes admitted ${admitted} of ${reading.key} in ${windowMs / 1_000} s; the ${by} limit is ${limit}`;
    // Accounts that are missing could only add to it.
    if (admitted > limit && isHeld) {
      const detail = { kind: "threshold" as const, value: admitted, limit, unit: "hits" };
      return { verdict: "violated", reason, value: admitted, detail, pointers };
    }
    if (admitted > limit) return { verdict: "unknown", reason: `${reason}, not for a whole window yet` };
    if (isWhole) return { verdict: "ok", reason, value: admitted, pointers };
    return { verdict: "unknown", reason: `${reason}, but not all accounts reach back so far: ${missingOf(reading)}` };
  },
};

/** What is wrong in a shorter window is gone before it could be compared. */
const windowMsMin = 5_000;

/** Redis has logged what the nodes admitted. */
export const counterDrift: Invariant<State> = {
  name: "counter_drift",
  title: "Redis counts what the nodes admitted",
  severity: "warning",
  graceMs: 30_000,
  worstDetectionMs: 36_000,
  limit: "2 hits, or 2 % of the limit",
  unit: "hits",
  why: "Hits that no node admitted deny callers what is theirs; hits that Redis lacks admit too much. Both sides are counted over the same span of Redis' time, ended 1.5 s ago so that nothing is under way; what Redis was asked for without an answer counts for either side. 30 s is longer than a Redis that was away takes to settle. Across a restart of a node or of Redis the hits before it can't be compared: unknown until they have left the window. Keys whose window is shorter than 5 s aren't compared: a wrong hit in it is gone by then.",
  ...keys,
  targets: ({ counters = {} }) =>
    Object.keys(counters).filter((target) => counters[target]?.applied.some(({ windowMs }) => windowMs >= windowMsMin)),
  judge: (state, target) => {
    const reading = state.counters?.[target];
    if (!reading) return { verdict: "unknown", reason: `the counter of ${target} was never read` };
    const { hits, tolerated, isCertain } = driftOf(reading);
    const { inRedis, admitted, unsettled, uncompared, silent } = reading;
    const unanswered = unsettled > 0 ? `, ${unsettled} unanswered` : "";
    const reason = `Redis has ${inRedis} hits of ${reading.key}, nodes admitted ${admitted}${unanswered}`;
    const pointers = pointersTo(target, "inRedis", "admitted", "ahead", "unsettled");
    if (isCertain) {
      const detail = { kind: "threshold" as const, value: hits, limit: tolerated, unit: "hits" };
      return { verdict: "violated", reason, value: hits, detail, pointers };
    }
    if (uncompared > 0 || silent.length > 0) {
      return { verdict: "unknown", reason: `${reason}; the rest can't be compared: ${missingOf(reading)}` };
    }
    return { verdict: "ok", reason, value: hits, pointers };
  },
};

function missingOf({ silent, uncompared }: { silent: string[]; uncompared: number }): string {
  return silent.length > 0
    ? `${silent.join(", ")} didn't say what was admitted`
    : `a node or Redis started within the window, ${uncompared} hits are from before`;
}
