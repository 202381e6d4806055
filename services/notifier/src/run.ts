import { flow } from "@operator/contracts/flow";
import { partsOfTicketId } from "@operator/contracts/ticket-id";
import { Checkpoint } from "@operator/service/checkpoint";
import { fold } from "@operator/service/fold";
import type { ServiceContext } from "@operator/service/service-context";
import { Silences } from "@operator/service/silences";
import { ticker } from "@operator/service/ticker";
import { Deliveries } from "./deliveries.ts";
import { type Notice, noticesOf } from "./notice.ts";
import type { Posted } from "./post.ts";

const postsMax = 8;

/** Tells one receiver what becomes of tickets. */
export async function run(
  context: ServiceContext,
  config: {
    post: (notice: Notice, signal: AbortSignal) => Promise<Posted>;
    tries: number;
    retryMs: number;
    /** A first start, without a checkpoint, tells nobody of what is older: the stream goes back for months. */
    lookBackMs: number;
    ticketUrl?: string | undefined;
  },
): Promise<void> {
  const { bus, log, metrics, signal } = context;
  const posts = metrics.counter("operator_webhook_posts_total", "Tries to post a notice", ["type", "outcome"]);
  const silences = await Silences.open(bus, log);
  const deliveries = new Deliveries({
    ...config,
    postsMax,
    signal,
    post: async (notice, postSignal) => {
      await silences.refresh();
      const silence = silences.of(partsOfTicketId(notice.ticket));
      if (silence) {
        posts.inc({ type: notice.type, outcome: "silenced" });
        log.info({ notice: notice.id, silence: silence.id }, "silenced, nobody is told");
        return "delivered";
      }
      const posted = await config.post(notice, postSignal);
      posts.inc({ type: notice.type, outcome: posted === "delivered" ? "delivered" : "failed" });
      if (posted === "delivered") log.info({ notice: notice.id }, "told");
      else log.warn({ notice: notice.id, why: posted.why }, "not told");
      return posted;
    },
  });
  const checkpoint = await Checkpoint.open(bus, flow.ticket.stream);
  const earliestMs = checkpoint.from === "first" ? Date.now() - config.lookBackMs : 0;
  let read = checkpoint.from === "first" ? 0 : checkpoint.from.after;
  const save = async () => {
    checkpoint.reached(deliveries.settledUpTo(read));
    await checkpoint.save();
  };
  context.ready(false, "catching up");
  await Promise.race([
    deliveries.failed,
    Promise.all([
      fold(context, flow.ticket, {
        from: checkpoint.from,
        eventTime: ({ violation }) => violation.asOf,
        handle: async (batch) => {
          if (batch.gap?.why === "recreated") await checkpoint.begunAnew();
          for (const received of batch.received) {
            if (received.storedAtMs < earliestMs) continue;
            for (const notice of noticesOf(received.message, config.ticketUrl)) {
              deliveries.add(received.sequence, notice, (reason) =>
                batch.bury(received, { code: "WEBHOOK_FAILED", reason }),
              );
            }
          }
          read = batch.lastSequence;
          if (batch.caughtUp) context.ready(true);
          await deliveries.room();
        },
      }),
      ticker(context, { name: "checkpoints", everyMs: 1_000, tick: save }),
    ]),
  ]);
  if (bus.connected()) await save();
}
