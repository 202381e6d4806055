import { HaltLever } from "@operator/contracts/chaos";
import { flow } from "@operator/contracts/flow";
import type { ServiceContext } from "@operator/service/service-context";
import { ticker } from "@operator/service/ticker";
import { worker } from "@operator/service/worker";
import type { Desk } from "./desk.ts";
import { Follower } from "./follow.ts";
import { Journal } from "./journal.ts";
import { Lever } from "./lever.ts";
import { giveUp, obey } from "./obey.ts";

const followEveryMs = 250;

/** Obeys commands one at a time, and brings every fault of the journal to its end. */
export async function run(context: ServiceContext, means: Pick<Desk, "catalogue" | "hands">): Promise<void> {
  const journal = new Journal(context);
  const desk: Desk = { ...means, journal, lever: new Lever(await context.bus.bucket("chaos", HaltLever)) };
  const follower = new Follower(desk, context);
  context.ready(false, "reading the journal");
  const { promise: caughtUp, resolve } = Promise.withResolvers<void>();
  const stopped = new Promise<void>((done) => context.signal.addEventListener("abort", () => done(), { once: true }));

  const act = async () => {
    await Promise.race([caughtUp, stopped]);
    if (context.signal.aborted) return;
    context.ready(true);
    await Promise.all([
      ticker(context, { name: "follow", everyMs: followEveryMs, tick: () => follower.tick() }),
      worker(context, "chaos", flow.chaosCommand, {
        handle: (received, signal) => obey(desk, context, received, signal),
        exhausted: (received) => giveUp(desk, received),
      }),
    ]);
  };
  await Promise.all([journal.read(resolve), act()]);
  await follower.settled();
}
