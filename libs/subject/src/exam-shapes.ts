import { InvariantName, Severity, SourceName } from "@operator/contracts/names";
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
      explanations: z.array(z.strictObject({ cause: InvariantName, effect: InvariantName, joins: fn, why: sentence })),
    }),
  }),
  playbook: z.looseObject({ playbook: fn, playbookName: z.string().min(1) }),
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
