import { Json } from "@operator/contracts/json";
import { TargetName } from "@operator/contracts/names";
import type { Asker, ProbeReading, ProbeTarget } from "@operator/subject/probe";
import type { Clock } from "./clock.ts";
import { watchLag } from "./lag.ts";
import type { SourceSight, TargetSight } from "./observe.ts";
import { freshMemory, judge, type ProbeEvent, type ProbeMemory } from "./probe.ts";

const rhythmMsMin = 250;
/** A connection that is kept lasts longer between two questions than this. */
const rhythmMsMax = 1_000;
/** Questions of all targets together, up to a thousand of them: more would take a core by themselves. */
const questionsPerSecond = 1_000;
const timeoutMs = 500;
const resetDelayMs = 20;
/** Two of the rhythm, one that a hint triggered, one after a reset. */
const questionsMax = 4;
/** First questions come at once, the rhythm's are spread, so that they don't come in bursts. */
const spreadMs = 61;

/** How often each of so many targets is asked. A death is seen by its closed connection, at any rhythm. */
export function rhythmOf(targets: number): number {
  return Math.min(rhythmMsMax, Math.max(rhythmMsMin, Math.ceil((targets * 1_000) / questionsPerSecond)));
}

/** Asks targets all the time. Targets come and go; the same name and address keeps its connection and what is known. */
export interface Probing {
  follow: (targets: ProbeTarget[]) => void;
  sight: () => SourceSight;
  close: () => void;
}

export function startProbing(options: {
  clock: Clock;
  /** Resolves when a target that was found down may be shown as such: what may be the reason has been read. */
  beforeDown: (target: string) => Promise<void>;
  /** A target's state changed: worth a snapshot at once. */
  onChange: (target: string, reading: ProbeReading) => void;
}): Probing {
  const lag = watchLag();
  const probes = new Map<TargetName, Probe>();
  let started = 0;
  let rhythmMs = rhythmMsMin;
  return {
    follow: (targets) => {
      const wanted = new Map(
        targets.flatMap((target) => {
          const name = TargetName.safeParse(target.target);
          return name.success ? [[name.data, target] as const] : [];
        }),
      );
      rhythmMs = rhythmOf(wanted.size);
      for (const [name, probe] of probes) {
        if (wanted.get(name)?.address === probe.address) continue;
        probe.close();
        probes.delete(name);
      }
      for (const [name, target] of wanted) {
        if (probes.has(name)) continue;
        const phaseMs = (started++ * spreadMs) % rhythmMs;
        const timing = { phaseMs, rhythmMs: () => rhythmMs };
        probes.set(name, startProbe(target, { ...options, ...timing, lagSince: lag.lagSince }));
      }
    },
    sight: () => ({
      rhythmMs,
      targets: new Map([...probes].map(([name, probe]) => [name, probe.sight()])),
    }),
    close: () => {
      for (const probe of probes.values()) probe.close();
      probes.clear();
      lag.close();
    },
  };
}

interface Probe {
  address: string;
  sight: () => TargetSight;
  close: () => void;
}

function startProbe(
  target: ProbeTarget,
  options: {
    clock: Clock;
    beforeDown: (target: string) => Promise<void>;
    onChange: (target: string, reading: ProbeReading) => void;
    lagSince: (sinceMs: number) => number;
    phaseMs: number;
    /** As it is now: it changes with the number of targets. */
    rhythmMs: () => number;
  },
): Probe {
  let memory: ProbeMemory = freshMemory(target.address);
  /** What others may see of it: stays behind while the reason of a change is being read. */
  let shown = memory;
  let readingWhy = false;
  let asked = 0;
  let waiting = 0;
  let ended = false;
  const asker = openedOrBroken(target);

  function hear(event: ProbeEvent): void {
    if (ended) return;
    const { memory: next, next: then, reason } = judge(memory, event);
    memory = next;
    if (!readingWhy) void (reason === "went-down" ? showWithReason() : show());
    if (then === "ask-now") void ask();
    if (then === "ask-in-20ms") setTimeout(() => void ask(), resetDelayMs);
  }

  async function showWithReason(): Promise<void> {
    readingWhy = true;
    await options.beforeDown(target.target);
    readingWhy = false;
    show();
  }

  function show(): void {
    const was = shown.reading?.state;
    shown = memory;
    const { reading } = shown;
    // To learn at the start that a target is up is no change.
    if (ended || !reading || reading.state === (was ?? "up")) return;
    options.onChange(target.target, reading);
  }

  async function ask(): Promise<void> {
    if (ended || waiting >= questionsMax) return;
    waiting += 1;
    const mine = (asked += 1);
    const askedMs = performance.now();
    const outcome = await asker.ask(timeoutMs);
    waiting -= 1;
    hear({ kind: "outcome", asked: mine, outcome, atMs: options.clock(), lagMs: options.lagSince(askedMs) });
  }

  function beat(): void {
    void ask();
    timer = setTimeout(beat, options.rhythmMs());
  }

  asker.onClose(() => hear({ kind: "closed", atMs: options.clock() }));
  void ask();
  let timer = setTimeout(beat, options.phaseMs + options.rhythmMs());
  return {
    address: target.address,
    sight: () => {
      const { reading, readAtMs, error } = shown;
      return {
        ...(reading && { value: Json.parse(reading) }),
        ...(readAtMs !== undefined && { readAtMs }),
        ...(error && { error }),
      };
    },
    close: () => {
      ended = true;
      clearTimeout(timer);
      asker.close();
    },
  };
}

/** A target that can't even be asked is unknown, with the reason, and costs no other target its probe. */
function openedOrBroken(target: ProbeTarget): Asker {
  try {
    return target.open();
  } catch (error) {
    const code = error instanceof Error ? error.message.slice(0, 64) : "OPEN_FAILED";
    return { ask: () => Promise.resolve({ kind: "ours", code }), onClose: () => {}, close: () => {} };
  }
}
