import { BusError } from "@operator/bus/failure";
import { answerQueries } from "@operator/bus/query";
import { flow } from "@operator/contracts/flow";
import type { SubjectName } from "@operator/contracts/names";
import { queries } from "@operator/contracts/query";
import type { ReadAnswer, ReadQuestion } from "@operator/contracts/read-tool";
import type { Snapshot } from "@operator/contracts/snapshot";
import { toToken } from "@operator/contracts/tokens";
import type { ServiceContext } from "@operator/service/service-context";
import type { Observation } from "@operator/subject/observation";
import { eventClock } from "./clock.ts";
import { type Held, holdLease, LeaseEntry, type LeaseNews } from "./lease.ts";
import { readLogs } from "./logs.ts";
import { observeWhile, type ObservingNews } from "./observing.ts";

/** Stands by, and while it holds the subject's lease observes and publishes. */
export async function runObserver(
  context: ServiceContext,
  given: {
    subject: SubjectName;
    observe: () => Promise<Observation>;
    read: (question: ReadQuestion) => Promise<ReadAnswer>;
    secrets: readonly string[];
  },
): Promise<void> {
  const { subject, observe, read, secrets } = given;
  const { bus, instance, signal } = context;
  const clock = eventClock();
  const bucket = await bus.bucket("leases", LeaseEntry);
  let fresh: (() => Promise<Snapshot>) | undefined;
  let active: Observation | undefined;
  // Only the active observer answers: what a standby would say it hasn't read.
  answerQueries(bus, queries.state, subject, signal, async () => await fresh?.());
  answerQueries(bus, queries.logs, subject, signal, async (question) => {
    if (!active) return undefined;
    return active.logs ? await readLogs(active.logs, question, { nowMs: Date.now(), secrets }) : {};
  });
  answerQueries(bus, queries.observe, subject, signal, async (question) => (active ? await read(question) : undefined));
  context.ready(true);
  await holdLease({
    bucket,
    key: `observer.${toToken(subject)}`,
    instance,
    signal,
    news: (news) => logLease(context, news),
    whileHeld: async (held) => {
      try {
        active = await observe();
        await observeWhile(active, {
          subject,
          epoch: held.epoch,
          clock,
          signal: held.signal,
          say: (snapshot) => say(context, held, snapshot),
          offer: (read) => {
            fresh = async () => {
              const snapshot = await read();
              if (held.remainingMs() === 0) throw new Error("the lease is lost: what was read may be another's to say");
              return snapshot;
            };
          },
          news: observingLog(context),
        });
      } finally {
        [fresh, active] = [undefined, undefined];
      }
    },
  });
}

/** Never with a lost lease, and not longer than it lasts: a later snapshot says it better. */
async function say({ bus, log, metrics }: ServiceContext, held: Held, snapshot: Snapshot): Promise<void> {
  const deadlineMs = held.remainingMs();
  if (deadlineMs === 0) return;
  try {
    await bus.publish(flow.snapshot, snapshot, { deadlineMs, signal: held.signal });
    metrics.lag("snapshot", Math.max(0, Date.now() - snapshot.atMs) / 1_000);
  } catch (error) {
    if (held.signal.aborted) return;
    if (!(error instanceof BusError)) throw error;
    log.warn({ err: error, n: snapshot.n, epoch: snapshot.epoch }, "a snapshot wasn't stored");
  }
}

function logLease({ log }: ServiceContext, news: LeaseNews): void {
  if (news.kind === "bus-failed") log.warn({ err: news.error }, "the lease can't be asked for");
  else log.info(news, `lease: ${news.kind}`);
}

/** Says each failure once, and when it's over. */
function observingLog({ log }: ServiceContext): (news: ObservingNews) => void {
  const failing = new Map<string, string>();
  return (news) => {
    if (news.kind === "room-failed") log.error({ err: news.error }, "the room can't say what to probe");
    else if (news.kind === "probe-changed") log.info({ target: news.target, ...news.reading }, "probe changed");
    else {
      const code = "error" in news.result ? news.result.error.code : undefined;
      if (failing.get(news.source) === code) return;
      if (code === undefined) {
        failing.delete(news.source);
        log.info({ source: news.source }, "source reads again");
      } else if ("error" in news.result) {
        failing.set(news.source, code);
        log.warn({ source: news.source, ...news.result.error }, "source fails");
      }
    }
  };
}
