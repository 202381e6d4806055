import { setTimeout as sleep } from "node:timers/promises";
import { Ticket } from "@operator/contracts/ticket";
import { violationKeyOf } from "@operator/contracts/violation";
import { observedAs } from "@operator/stack/observed-as";
import { Stack, type StackPlan } from "@operator/stack/stack";
import { type Measuring, spread } from "./figures.ts";
import { seededRandom } from "./random.ts";
import { until } from "./waiting.ts";
import { type SeenTicket, Watch } from "./watch.ts";

/** What one broken member came to, in ms from the signal. */
export interface Detection {
  target: string;
  /** To the ticket's event at the reader. */
  eventMs: number;
  /** To the ticket read back from KV. */
  kvMs: number;
}

/** Hold-downs double for what keeps coming back, up to a minute: scaled, so that 30 faults take minutes. The grace is 0 either way. */
const usualGraceScale = 0.1;
const detectMsMax = 15_000;
const wellMsUsual = 90_000;

/**
 * Breaks members of a kind one after the other, each at a random moment of a whole subject, and waits for the ticket;
 * then mends it and waits until all is well. `others`: tickets about anything else.
 */
export async function breakMembers(
  measuring: Measuring,
  given: {
    kind: string;
    verb: "kill" | "pause";
    times: number;
    /** How long it may take until all is well again. */
    wellMsMax?: number;
    /** Changes to the stack beside the subject. */
    plan?: Partial<StackPlan>;
    /** Which members of the kind are broken; all of them unless told. */
    only?: readonly string[];
    /** Whether all is well, by verdicts that came after `sinceMs`; unless told: all of them are ok and no ticket is open. */
    isWell?: (watch: Watch, sinceMs: number) => boolean;
    /** Called when all is well for the first time. */
    onWell?: (stack: Stack) => Promise<void>;
    /** Called at each break, with the member and what the loop calls it; waited for before the member is mended. */
    onBroken?: (stack: Stack, target: string, seenAs: string, brokenMs: number) => Promise<void>;
  },
): Promise<{ detections: Detection[]; others: string[] }> {
  const { subject, say, signal } = measuring;
  const random = seededRandom(measuring.seed);
  await using stack = await Stack.start({ graceScale: usualGraceScale, ...given.plan, subject });
  const bus = await stack.connect("cli");
  const tickets = await bus.bucket("tickets", Ticket);
  await using watch = await Watch.start(bus, subject);
  const ofKind = [...stack.kinds].filter(([, kind]) => kind === given.kind).map(([target]) => target);
  const targets = ofKind.filter((target) => given.only?.includes(target) ?? true);
  const named = new Map<string, string>();
  for (const target of targets) named.set(target, await observedAs(stack, target));
  const detections: Detection[] = [];
  const others: string[] = [];

  const well = async () => {
    const sinceMs = performance.now();
    const look = () => given.isWell?.(watch, sinceMs) ?? watch.isWell(sinceMs);
    await until("all well again", look, { withinMs: given.wellMsMax ?? wellMsUsual, signal }).catch(
      (error: unknown) => {
        throw signal.aborted ? error : new Error(`${String(error)}: ${watch.complaints()}`);
      },
    );
  };

  await well();
  let awaited: { target: string; resolve: (seen: SeenTicket) => void } | undefined;
  watch.onTicket((seen) => {
    if (!seen.ticket.reasons.includes("first-seen")) return;
    const isAwaited = seen.ticket.target === awaited?.target && seen.ticket.violation.detail.kind === "unreachable";
    if (isAwaited) awaited?.resolve(seen);
    else others.push(seen.ticket.id);
  });
  await given.onWell?.(stack);
  for (let time = 1; time <= given.times; time++) {
    await sleep(random() * 1_000, undefined, { signal });
    const target = targets[Math.floor(random() * targets.length)] ?? "";
    const member = stack.member(target);
    const seenAs = named.get(target) ?? target;
    const { promise: opened, resolve } = Promise.withResolvers<SeenTicket>();
    awaited = { target: seenAs, resolve };
    const brokenMs = performance.now();
    member.signal(given.verb === "kill" ? "SIGKILL" : "SIGSTOP");
    const also = given.onBroken?.(stack, target, seenAs, brokenMs);
    const isOver = AbortSignal.any([signal, AbortSignal.timeout(detectMsMax)]);
    const aborted = new Promise<never>((_, reject) =>
      isOver.addEventListener("abort", () =>
        reject(new Error(`no ticket about ${target} within ${detectMsMax} ms of its ${given.verb}`)),
      ),
    );
    const { ticket, atMs } = await Promise.race([opened, aborted]);
    const head = await tickets.get(violationKeyOf(ticket));
    const kvMs = performance.now() - brokenMs;
    if (head?.value.id !== ticket.id) throw new Error(`${ticket.id} was announced before it stood in KV`);
    detections.push({ target, eventMs: atMs - brokenMs, kvMs });
    say(`${given.verb} ${time} of ${given.times}: ${target}, ticket after ${Math.round(atMs - brokenMs)} ms`);
    await also;
    if (given.verb === "kill") {
      await member.exited;
      await member.restart();
    } else member.signal("SIGCONT");
    await well();
  }
  return { detections, others };
}

/** The same in words. */
export function detectionFacts(
  { seed }: Measuring,
  detections: readonly Detection[],
  others: readonly string[],
  graceScale = usualGraceScale,
): string[] {
  return [
    `to the ticket's event at the reader: ${spread(detections.map(({ eventMs }) => eventMs))}`,
    `to the ticket read back from KV: ${spread(detections.map(({ kvMs }) => kvMs))}`,
    `seed ${seed}: random members, random moments; hold-downs scaled by ${graceScale}, the grace is 0`,
    ...others.map((id) => `also opened: ${id}`),
  ];
}
