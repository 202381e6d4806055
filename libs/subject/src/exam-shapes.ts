import { InvariantName, Severity, SourceName } from "@operator/contracts/names";
import { ReadToolName } from "@operator/contracts/read-tool";
import { z } from "zod";

const fn = z.custom<(...given: never) => unknown>((value) => typeof value === "function", "expected a function");
const sentence = z.string().min(10, "expected a sentence");
const durationMs = z.int().min(0).max(3_600_000);

/** An hour at most for anything that a person waits for; unknown keys are typing errors. */
export const InvariantShape = z.strictObject({
  name: InvariantName,
  title: sentence,
  severity: Severity,
  graceMs: durationMs,
  worstDetectionMs: durationMs.min(1, "expected more than 0: nothing is seen in no time"),
  limit: z.union([z.number(), z.string()]).optional(),
  unit: z.string().min(1).optional(),
  why: sentence,
  targets: fn,
  needs: fn,
  judge: fn,
  left: z.strictObject({ needs: fn, says: fn }).optional(),
});

/** An action of a catalogue. A state, a target, parameters: what its functions take is the room's own affair. */
export const ActionShape = z.strictObject({
  name: z.string().regex(/^[a-z][a-z0-9_]{0,63}$/, "expected a name like restart_node"),
  title: sentence,
  about: z.string().min(40, "expected what it does, for whom it is right and what it risks"),
  parameters: z.custom((value) => value instanceof z.ZodType, "expected a schema"),
  risk: z.enum(["low", "medium", "high"]),
  targets: fn,
  executeWithinMs: durationMs.min(1),
  verifyWithinMs: durationMs.min(1),
  coolDownMs: durationMs,
  takesOut: z.boolean(),
  needs: fn,
  guard: fn,
  isDone: fn,
  execute: fn,
  undo: fn.optional(),
});

/** A read tool of a room's `observations.ts`. */
export const ReadToolShape = z.strictObject({
  name: ReadToolName,
  title: sentence,
  about: z.string().min(40, "expected what it gives and when that helps"),
  parameters: z.custom((value) => value instanceof z.ZodType, "expected a schema"),
  read: fn,
});

/** What the files that a room may leave out export. */
export const optionalShapes = {
  observations: z.looseObject({
    observations: z.array(z.unknown()).min(1, "expected at least one read tool, or no such file"),
  }),
};

/** What each file of a room must export, as far as values show it. */
export const roomShapes = {
  state: z.looseObject({
    state: z.record(
      SourceName,
      z.custom((value) => value instanceof z.ZodType, "expected a schema"),
    ),
  }),
  observe: z.looseObject({ observe: fn }),
  invariants: z.looseObject({ invariants: z.array(z.unknown()).min(1, "expected at least one invariant") }),
  topology: z.looseObject({
    topology: z.looseObject({
      targets: fn,
      explanations: z.array(
        z.strictObject({
          cause: InvariantName,
          effect: InvariantName,
          tailMs: z.int().positive().optional(),
          joins: fn,
          why: sentence,
        }),
      ),
    }),
  }),
  playbook: z.looseObject({ playbook: fn, playbookName: z.string().min(1) }),
  actions: z.looseObject({ actions: z.array(z.unknown()) }),
  settings: z.looseObject({
    settings: z.record(
      z.string().regex(/^[A-Z][A-Z0-9_]*$/, "expected the name of an environment variable"),
      z.custom((value) => value instanceof z.ZodType, "expected a schema"),
    ),
    settingsHelp: z.array(z.strictObject({ name: z.string(), about: sentence, default: z.string().optional() })),
  }),
  processes: z.looseObject({
    processes: z.looseObject({ ports: z.array(z.string()), secrets: z.array(z.string()), specs: fn, environment: fn }),
  }),
};
