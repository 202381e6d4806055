import { flow } from "@operator/contracts/flow";
import type { SubjectName } from "@operator/contracts/names";
import type { Batch } from "@operator/bus/read-in-order";
import type { Snapshot } from "@operator/contracts/snapshot";
import { fold } from "@operator/service/fold";
import type { ServiceContext } from "@operator/service/service-context";
import { ticker } from "@operator/service/ticker";
import { type Assessment, assess, type Input } from "./check.ts";
import { Checkpoint, newestSnapshot } from "./checkpoint.ts";
import { heard, look, startListening } from "./listening.ts";
import type { Memory } from "./memory.ts";
import { publish, type Said } from "./publish.ts";
import { nothing, readAfter, type Recall } from "./recall.ts";
import type { Room } from "./room.ts";
import { silenceOrigin, silentMsSaid } from "./silence.ts";

const lookEveryMs = 250;

/** Runs the fold over a subject's snapshots until the service stops: any number of checkers say the same, once. */
export async function run(context: ServiceContext, subject: SubjectName, room: Room): Promise<void> {
  const { bus, log, signal, metrics } = context;
  const failed = metrics.counter("operator_check_failures_total", "Functions of the room that threw", ["invariant"]);
  const turned = metrics.counter("operator_turns_total", "Changes of state", ["invariant", "turn"]);
  const ignored = metrics.counter("operator_snapshots_ignored_total", "Snapshots that were old or known", ["why"]);
  const opened = await Checkpoint.open(bus, subject, Date.now());
  const { checkpoint } = opened;
  let { kept } = opened;
  let recall: Recall = nothing;
  let readTo = 0;
  let isCaughtUp = false;
  let listening = startListening(performance.now());
  let silentMs = 0;
  const inTurn = oneAfterAnother();
  log.info({ sequence: kept.memory.sequence, epoch: kept.memory.epoch, n: kept.memory.n }, "going on from here");

  const report = ({ changes, failures }: Pick<Assessment, "changes" | "failures">) => {
    for (const { invariant, target, turn } of changes) {
      turned.inc({ invariant, turn });
      log.info({ invariant, target, turn }, "turn");
    }
    for (const failure of failures) {
      failed.inc({ invariant: failure.invariant });
      log.warn({ ...failure, code: "CHECK_FAILED" }, "a rule of the room failed");
    }
  };

  /** From what is kept, so that the same batch can be handled again after any failure on the way. */
  const handle = async ({ received, lastSequence, caughtUp, gap }: Batch<Snapshot>) => {
    const inputs: Input[] = received.map(({ message, sequence }) => ({
      kind: "snapshot",
      snapshot: message,
      sequence,
    }));
    // Who has seen nothing yet has missed nothing; and what was read already isn't missed either.
    const isMissed = gap && kept.memory.last && (gap.why === "recreated" || gap.toSequence > kept.memory.sequence);
    if (isMissed) inputs.unshift({ kind: "gap", fromSequence: gap.fromSequence, toSequence: gap.toSequence });

    for (;;) {
      const next = foldAll(inputs, kept.memory, room, recall);
      for (const why of next.ignored) ignored.inc({ why });
      if (next.memory === kept.memory) {
        ({ recall } = next);
        break;
      }
      await publish(bus, log, next, signal);
      const { how, stored } = await checkpoint.save(next.memory, kept.revision);
      // Another checker claimed a silence that we took no part in: what we read follows after it.
      const otherPast = how === "behind" && stored.memory.claimed !== kept.memory.claimed;
      kept = how === "behind" && !otherPast ? { memory: kept.memory, revision: stored.revision } : stored;
      if (how === "behind") continue;
      ({ recall } = next);
      report(next);
      if (next.accepted > 0) listening = heard(performance.now());
      break;
    }
    readTo = Math.max(readTo, lastSequence);
    if (gap?.why === "recreated") readTo = lastSequence;
    if (caughtUp || !isCaughtUp) context.ready(caughtUp, `catching up: at sequence ${lastSequence}`);
    isCaughtUp ||= caughtUp;
  };

  /** The one input that isn't in the stream. So it's claimed in the memory first, and said by who claimed it. */
  const listen = async () => {
    const { memory, revision } = kept;
    const seen = look(listening, {
      nowMs: performance.now(),
      canHear: isCaughtUp && bus.connected(),
      beforeMs: silentMsSaid(memory),
    });
    const wasSilentMs = silentMs;
    ({ listening, silentMs } = seen);
    if (silentMs === 0 || silentMs === wasSilentMs) return;
    const newest = await newestSnapshot(bus, subject);
    if (newest && newest.sequence > readTo) return;
    const next = assess(memory, { kind: "silence", asOf: silenceOrigin(memory) + silentMs }, room, recall);
    if (next.memory !== memory) {
      const { how, stored } = await checkpoint.save(next.memory, revision);
      kept = stored;
      if (how !== "saved") return;
    }
    await publish(bus, log, { ...next, verdicts: next.verdicts ? [next.verdicts] : [] }, signal);
    report(next);
  };

  await Promise.all([
    fold(context, flow.snapshot, {
      given: { subject },
      from: { after: readAfter(kept.memory) },
      eventTime: ({ atMs }) => atMs,
      handle: (batch) => inTurn(() => handle(batch)),
    }),
    ticker(context, { name: "silence", everyMs: lookEveryMs, tick: () => inTurn(listen) }),
  ]);
}

/** The fold over a batch; `accepted`: how many of the snapshots were new; `ignored`: why the others weren't. */
function foldAll(inputs: readonly Input[], memory: Memory, room: Room, recall: Recall) {
  const all: Said & Pick<Assessment, "changes" | "failures" | "memory" | "recall"> = {
    memory,
    recall,
    evidence: [],
    violations: [],
    verdicts: [],
    changes: [],
    failures: [],
  };
  let accepted = 0;
  const ignored: Exclude<Assessment["ignored"], undefined>[] = [];
  for (const input of inputs) {
    const next = assess(all.memory, input, room, all.recall);
    ({ memory: all.memory, recall: all.recall } = next);
    all.evidence.push(...next.evidence);
    all.violations.push(...next.violations);
    all.changes.push(...next.changes);
    all.failures.push(...next.failures);
    if (next.verdicts) all.verdicts.push(next.verdicts);
    if (next.ignored) ignored.push(next.ignored);
    else if (input.kind === "snapshot") accepted++;
  }
  return { ...all, accepted, ignored };
}

/** Snapshots and the clock both change what is kept; never both at once. */
function oneAfterAnother(): (work: () => Promise<void>) => Promise<void> {
  let last: Promise<unknown> = Promise.resolve();
  return (work) => {
    const done = last.then(work);
    last = done.catch(() => {});
    return done;
  };
}
