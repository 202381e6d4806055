import { SubjectName, TargetName } from "@operator/contracts/names";
import { Snapshot } from "@operator/contracts/snapshot";
import type { Verdicts } from "@operator/contracts/verdicts";
import type { Violation } from "@operator/contracts/violation";
import { frameworkExplanations } from "@operator/subject/framework";
import type { Departure, Invariant } from "@operator/subject/invariant";
import { defineState, type StateOf } from "@operator/subject/state";
import { z } from "zod";
import { type Assessment, assess, type Input } from "./check.ts";
import { freshMemory, type Memory } from "./memory.ts";
import { nothing, type Recall } from "./recall.ts";
import type { Room } from "./room.ts";

export const toy = SubjectName.parse("toy");

/** Event time of the first snapshot of a story. */
export const startMs = 1_800_000_000_000;

const stateParts = defineState({
  probe: z.object({ up: z.boolean() }),
  metrics: z.object({ ms: z.number() }),
  registry: z.object({ departed: z.array(z.string()) }),
});
type State = StateOf<typeof stateParts>;

const left: Departure<State> = {
  needs: () => [{ source: "registry", target: "all" }],
  says: ({ registry }, target) => registry?.["all"]?.departed.includes(target) ?? false,
};

const down: Invariant<State> = {
  name: "down",
  title: "Every node answers",
  severity: "critical",
  graceMs: 0,
  worstDetectionMs: 1_000,
  why: "a toy",
  targets: ({ probe }) => Object.keys(probe ?? {}),
  needs: (target) => [{ source: "probe", target }],
  judge: ({ probe }, target) => {
    const pointers = [`/parts/probe/${target}/up`];
    return probe?.[target]?.up
      ? { verdict: "ok", reason: `${target} answers`, pointers }
      : {
          verdict: "violated",
          reason: `${target} is down`,
          detail: { kind: "unreachable", how: "refused", silentMs: 0 },
          pointers,
        };
  },
  left,
};

const slow: Invariant<State> = {
  name: "slow",
  title: "Every node is fast",
  severity: "warning",
  graceMs: 10_000,
  worstDetectionMs: 12_000,
  limit: 100,
  unit: "ms",
  why: "a toy",
  targets: ({ metrics }) => Object.keys(metrics ?? {}),
  needs: (target) => [{ source: "metrics", target }],
  judge: ({ metrics }, target) => {
    const ms = metrics?.[target]?.ms ?? 0;
    const pointers = [`/parts/metrics/${target}/ms`];
    if (ms === 13) throw new Error("13 is bad luck");
    return ms <= 100
      ? { verdict: "ok", reason: `${ms} ms`, value: ms, pointers }
      : {
          verdict: "violated",
          reason: `${ms} ms`,
          value: ms,
          detail: { kind: "threshold", value: ms, limit: 100, unit: "ms" },
          pointers,
        };
  },
  left,
};

/** A room of two rules for tests of the fold: `down` explains `slow` of the same target. */
export const toyRoom: Room = {
  invariants: [down, slow],
  explanations: [
    {
      cause: "down",
      effect: "slow",
      joins: (cause, effect) => cause.target === effect.target,
      why: "a toy",
    },
    ...frameworkExplanations,
  ],
  stateParts,
  graceScale: 1,
};

/** What a source knows of a target: a reading, or why there's none. `late`: the old reading, not read again. */
export type Sighting<Reading> = Reading | "late" | "failed" | "lost";

/** What the observer sees. Targets that aren't named stay as they were. */
export interface Scene {
  probe?: Record<string, Sighting<boolean>>;
  metrics?: Record<string, Sighting<number>>;
  departed?: Sighting<string[]>;
  /** Since the last snapshot; 1 s unless told. */
  afterMs?: number;
  /** A new observer took over. */
  takeover?: boolean;
}

/** An observer that is told what to see. */
export class Scenery {
  atMs = startMs - 1_000;
  epoch = 7;
  n = 0;
  sequence = 100;
  readonly #sources: Record<
    string,
    { rhythmMs: number; targets: Record<string, { readAtMs?: number; error?: object }> }
  > = {
    probe: { rhythmMs: 250, targets: {} },
    metrics: { rhythmMs: 1_000, targets: {} },
    registry: { rhythmMs: 1_000, targets: {} },
  };
  readonly #parts: Record<string, Record<string, unknown>> = { probe: {}, metrics: {}, registry: {} };
  #seen: {
    probe: Record<string, Sighting<boolean>>;
    metrics: Record<string, Sighting<number>>;
    departed: Sighting<string[]>;
  } = {
    probe: { a: true, b: true },
    metrics: { a: 5, b: 5 },
    departed: [],
  };

  next(scene: Scene = {}): Input & { kind: "snapshot" } {
    this.atMs += scene.afterMs ?? 1_000;
    this.sequence++;
    this.n++;
    if (scene.takeover) {
      this.epoch++;
      this.n = 1;
    }
    this.#seen = {
      probe: { ...this.#seen.probe, ...scene.probe },
      metrics: { ...this.#seen.metrics, ...scene.metrics },
      departed: scene.departed ?? this.#seen.departed,
    };
    for (const [target, up] of Object.entries(this.#seen.probe)) this.#see("probe", target, up, (it) => ({ up: it }));
    for (const [target, ms] of Object.entries(this.#seen.metrics))
      this.#see("metrics", target, ms, (it) => ({ ms: it }));
    this.#see("registry", "all", this.#seen.departed, (departed) => ({ departed }));
    const snapshot = Snapshot.parse({
      subject: toy,
      epoch: this.epoch,
      n: this.n,
      atMs: this.atMs,
      cause: "rhythm",
      sources: structuredClone(this.#sources),
      parts: structuredClone(this.#parts),
    });
    return { kind: "snapshot", snapshot, sequence: this.sequence };
  }

  #see<Reading>(source: string, target: string, seen: Sighting<Reading>, toPart: (reading: Reading) => unknown) {
    const targets = this.#sources[source]?.targets ?? {};
    const parts = this.#parts[source] ?? {};
    if (seen === "lost") {
      delete targets[target];
      delete parts[target];
    } else if (seen === "failed") {
      const error = { code: "TIMEOUT", message: "no answer in 500 ms", sinceMs: this.atMs };
      targets[target] = { ...targets[target], error };
    } else if (seen !== "late") {
      targets[target] = { readAtMs: this.atMs - 50 };
      parts[target] = toPart(seen);
    }
  }
}

/** A checker that is told a story, and all that it said. */
export class Story {
  readonly scenery: Scenery;
  readonly room: Room;
  memory: Memory;
  recall: Recall = nothing;
  readonly all: Assessment[] = [];

  constructor(room: Room = toyRoom, scenery = new Scenery()) {
    this.room = room;
    this.scenery = scenery;
    this.memory = freshMemory({ subject: toy, startedAtMs: startMs - 2_000, sequence: 100 });
  }

  take(input: Input): Assessment {
    const assessment = assess(this.memory, input, this.room, this.recall);
    ({ memory: this.memory, recall: this.recall } = assessment);
    this.all.push(assessment);
    return assessment;
  }

  next(scene: Scene = {}): Assessment {
    return this.take(this.scenery.next(scene));
  }

  /** So many more snapshots of the same. */
  times(count: number, scene: Scene = {}): Assessment[] {
    return Array.from({ length: count }, () => this.next(scene));
  }

  silence(afterMs: number): Assessment {
    return this.take({ kind: "silence", asOf: (this.memory.last?.nowMs ?? this.memory.startedAtMs) + afterMs });
  }

  get violations(): Violation[] {
    return this.all.flatMap(({ violations }) => violations);
  }

  get verdicts(): Verdicts[] {
    return this.all.flatMap(({ verdicts }) => verdicts ?? []);
  }

  /** `firing a` for each word that was said of an invariant, repeats left out. */
  said(invariant: string): string[] {
    const words = this.violations
      .filter((violation) => violation.invariant === invariant)
      .map(({ state, target }) => `${state} ${target}`);
    return words.filter((word, i) => word !== words[i - 1]);
  }

  /** The newest verdict line of a target. */
  line(invariant: string, target: string) {
    return this.verdicts
      .at(-1)
      ?.lines.find((line) => line.invariant === invariant && line.target === TargetName.parse(target));
  }
}
