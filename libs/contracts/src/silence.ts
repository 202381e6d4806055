import { z } from "zod";
import { InvariantName, SubjectName, TargetName, TimeMs } from "./names.ts";

/** A silence lasts no longer: what is forgotten ends by itself. */
export const silenceMsMax = 7 * 86_400_000;

/**
 * A person's word that what breaks at a target is known for a time: tickets are opened and kept as ever, and meanwhile no
 * job is sent for them, nobody is told, and nothing is done about them.
 */
export const Silence = z.object({
  id: z.string().regex(/^[0-9a-f]{8}$/),
  subject: SubjectName,
  target: TargetName,
  /** Only this one; any where it's absent. */
  invariant: InvariantName.optional(),
  atMs: TimeMs,
  untilMs: TimeMs,
  by: z.string().min(1).max(100),
  reason: z.string().min(1).max(500),
});
export type Silence = z.infer<typeof Silence>;

/** Of the silences that hold for this now, the one that lasts longest. */
export function silenceOf(
  silences: readonly Silence[],
  about: { subject: string; target: string; invariant: string },
  nowMs: number,
): Silence | undefined {
  return silences
    .filter(
      ({ subject, target, invariant, untilMs }) =>
        subject === about.subject &&
        target === about.target &&
        (invariant === undefined || invariant === about.invariant) &&
        nowMs < untilMs,
    )
    .reduce<Silence | undefined>(
      (longest, each) => (longest && longest.untilMs >= each.untilMs ? longest : each),
      undefined,
    );
}
