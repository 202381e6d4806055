import type { Bus } from "@operator/bus/bus";
import { patternOf } from "@operator/contracts/channel";
import { flow } from "@operator/contracts/flow";
import type { SubjectName } from "@operator/contracts/names";
import { violationKeyOf } from "@operator/contracts/violation";
import { fold } from "@operator/service/fold";
import type { ServiceContext } from "@operator/service/service-context";
import { ticker } from "@operator/service/ticker";
import { framework } from "@operator/subject/framework";
import { z } from "zod";
import { clearingOf, firstSight, lookAway, seeVerdicts, silencesOf, silenceViolation, type Sight } from "./silence.ts";
import type { Tickets } from "./tickets.ts";

const lookEveryMs = 250;
const Began = z.object({ startedAtMs: z.number() });

/** Opens `checker_silent` when no verdicts of a subject come, and closes it when they do again: the checker can't say so itself. */
export async function watchChecker(context: ServiceContext, tickets: Tickets, subject: SubjectName): Promise<void> {
  const { bus, log } = context;
  let sight: Sight = firstSight(await beganAt(bus, subject), performance.now());
  let isCaughtUp = false;
  let said = 0;

  const look = async () => {
    if (!bus.connected() || !isCaughtUp) {
      sight = lookAway(sight, performance.now());
      return;
    }
    const key = violationKeyOf({
      subject,
      invariant: framework.checkerSilent.name,
      target: framework.checkerSilent.target,
    });
    const silences = silencesOf(sight, performance.now());
    if (silences === 0) {
      said = 0;
      await tickets.fold(key, (head) => {
        const violation = clearingOf(head, sight);
        return violation ? [{ kind: "violation", violation }] : [];
      });
    } else if (silences > said) {
      // A reader that is stuck looks like a silence, so the bus is asked itself.
      const newest = await bus.last(flow.verdicts, patternOf(flow.verdicts, { subject }));
      if (newest && newest.message.asOf > sight.asOf) {
        sight = seeVerdicts(sight, newest.message.asOf, performance.now());
        return;
      }
      const violation = silenceViolation(subject, sight, silences);
      if (said === 0) log.warn({ subject, asOf: violation.asOf }, violation.summary);
      await tickets.fold(key, () => [{ kind: "violation", violation }]);
      said = silences;
    }
  };

  await Promise.all([
    fold(context, flow.verdicts, {
      given: { subject },
      from: "last",
      eventTime: ({ asOf }) => asOf,
      handle: async ({ received, caughtUp }) => {
        for (const { message } of received) sight = seeVerdicts(sight, message.asOf, performance.now());
        isCaughtUp = caughtUp;
      },
    }),
    ticker(context, { name: `watch-checker-${subject}`, everyMs: lookEveryMs, tick: look }),
  ]);
}

/** When the first ticketer began to look: what dates a silence before the first verdicts. */
async function beganAt(bus: Bus, subject: SubjectName): Promise<number> {
  const bucket = await bus.bucket("checkpoints", Began);
  const key = `ticketer.VERDICTS.${subject}`;
  const known = await bucket.get(key);
  if (known) return known.value.startedAtMs;
  const startedAtMs = Date.now();
  const created = await bucket.create(key, { startedAtMs });
  if (created !== "conflict") return startedAtMs;
  return (await bucket.get(key))?.value.startedAtMs ?? startedAtMs;
}
