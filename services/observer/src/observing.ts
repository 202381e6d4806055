import { type SubjectName, SourceName } from "@operator/contracts/names";
import type { Snapshot } from "@operator/contracts/snapshot";
import type { Observation, Source } from "@operator/subject/observation";
import type { ProbeReading } from "@operator/subject/probe";
import type { Clock } from "./clock.ts";
import { type ReadResult, type SourceSight, snapshotOf, unseen } from "./observe.ts";
import { expectedOf, type Poll, startPoll } from "./polling.ts";
import { type Probing, startProbing } from "./probing.ts";

const rhythmMs = 1_000;
/** What answers at all has answered by then; what hasn't is reported as unread. */
const firstAfterMs = 250;
const whyMs = 50;
/** Who asks for fresh state gets what was read by then; what wasn't shows its age. */
const freshWithinMs = 1_500;

export type ObservingNews =
  | { kind: "read"; source: string; result: ReadResult }
  | { kind: "probe-changed"; target: string; reading: ProbeReading }
  | { kind: "room-failed"; error: unknown };

/**
 * Observes a subject until the signal fires: polls its sources, probes its targets, and says a snapshot on each second
 * and at once when a probe changed its mind. `say` is never called again before it has resolved; what changed meanwhile
 * is in the next one. Starts from nothing, so that it claims nothing that it hasn't read.
 */
export async function observeWhile(
  observation: Observation,
  options: {
    subject: SubjectName;
    epoch: number;
    clock: Clock;
    signal: AbortSignal;
    say: (snapshot: Snapshot) => Promise<void>;
    /** Given, at the start, the way to a snapshot of which every source was read after the call. */
    offer?: (fresh: () => Promise<Snapshot>) => void;
    news: (news: ObservingNews) => void;
  },
): Promise<void> {
  const { clock, signal, news } = options;
  const sights = new Map<string, SourceSight>();
  const pulse = startPulse(signal);
  const polls: { source: Source; poll: Poll }[] = [];
  const probing = startProbing({
    clock,
    beforeDown: (target) => readWhy(polls, target),
    onChange: (target, reading) => {
      news({ kind: "probe-changed", target, reading });
      pulse.now();
    },
  });
  let broken: { error: unknown } | undefined;
  for (const source of observation.sources) {
    const name = SourceName.parse(source.name);
    sights.set(name, unseen(source.rhythmMs, expectedOf(source)));
    const poll = startPoll(source, {
      clock,
      signal,
      update: (next) => sights.set(name, next(sights.get(name) ?? unseen(source.rhythmMs, []))),
      onRead: (result) => {
        follow(probing, observation, news);
        news({ kind: "read", source: name, result });
      },
    });
    polls.push({ source, poll });
    poll.ended.catch((error: unknown) => {
      broken = { error };
      pulse.now();
    });
  }
  follow(probing, observation, news);
  const { subject, epoch } = options;
  let [n, atMs] = [1, 0];
  const seenNow = (cause: Snapshot["cause"]) =>
    snapshotOf({ subject, epoch, n, atMs, cause }, new Map([["probe", probing.sight()], ...sights]));
  options.offer?.(async () => {
    const read = Promise.all(polls.map(({ poll }) => poll.readNow()));
    await within(read, freshWithinMs);
    return { ...seenNow("rhythm"), atMs: clock() };
  });
  try {
    for (; ; n += 1) {
      const cause = await pulse.next();
      if (cause === "ended") return;
      if (broken) throw broken.error;
      atMs = Math.max(clock(), atMs + 1);
      await options.say(seenNow(cause));
    }
  } finally {
    probing.close();
    pulse.close();
    await Promise.allSettled(polls.map(({ poll }) => poll.ended));
    await observation.close();
  }
}

/** Reads the sources that may tell why this target is down; what takes longer than 50 ms isn't waited for. */
async function readWhy(polls: readonly { source: Source; poll: Poll }[], target: string): Promise<void> {
  const telling = polls.filter(({ source }) => source.tellsWhy?.(target));
  if (telling.length === 0) return;
  await within(Promise.all(telling.map(({ poll }) => poll.readNow())), whyMs);
}

/** Waits for something, and so long at most. */
async function within(something: Promise<unknown>, ms: number): Promise<void> {
  const { promise: late, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, ms);
  await Promise.race([something, late]);
  clearTimeout(timer);
}

function follow(probing: Probing, observation: Observation, news: (news: ObservingNews) => void): void {
  try {
    probing.follow(observation.probeTargets());
  } catch (error) {
    // The targets of before go on being probed.
    news({ kind: "room-failed", error });
  }
}

/** When to say the next snapshot: on the rhythm, which skips what was missed, or at once when told to. */
function startPulse(signal: AbortSignal) {
  let due: Snapshot["cause"] = "rhythm";
  let roused = Promise.withResolvers<void>();
  const rouse = (cause: Snapshot["cause"]) => {
    if (cause === "change") due = cause;
    roused.resolve();
  };
  const beat = () => rouse("rhythm");
  let timer = setTimeout(() => {
    beat();
    timer = setInterval(beat, rhythmMs);
  }, firstAfterMs);
  signal.addEventListener("abort", beat);
  if (signal.aborted) beat();
  return {
    now: () => rouse("change"),
    next: async (): Promise<Snapshot["cause"] | "ended"> => {
      await roused.promise;
      if (signal.aborted) return "ended";
      roused = Promise.withResolvers<void>();
      const cause = due;
      due = "rhythm";
      return cause;
    },
    close: () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", beat);
    },
  };
}
