import type { Snapshot } from "@operator/contracts/snapshot";
import { type ViolationKey, violationKeyOf } from "@operator/contracts/violation";
import { framework, isWholeSource } from "@operator/subject/framework";
import { type Explanation, type Symptom, tailMs } from "@operator/subject/topology";
import { type Failure, messageOf } from "./case.ts";
import type { Ended } from "./memory.ts";
import { isFired, type Track } from "./track.ts";

/** Readings in which a source that was blind has to be seen to see again; its rhythm isn't scaled. */
const readingsMin = 2;

/** Why a violation is there, as far as others tell: asked of anything that is broken or was. */
export interface Explainer {
  explainedBy: (effect: Symptom & { isBlind: boolean }) => ViolationKey[];
  /** Something that isn't firing yet could explain it. */
  mayBeExplained: (effect: Symptom) => boolean;
}

/**
 * Explains by what has fired and hasn't cleared, and by what ended within the explanation's tail (30 s unless told, scaled). Of
 * a blind source it's two readings of that source at least.
 */
export function explainer(
  given: {
    subject: string;
    tracks: readonly Track[];
    ended: readonly Ended[];
    nowMs: number;
    failures: Failure[];
    /** As far as there is one. */
    snapshot?: Snapshot | undefined;
  },
  explanations: readonly Explanation[],
  graceScale: number,
): Explainer {
  const { subject, nowMs, failures } = given;
  const firing = given.tracks
    .filter(isFired)
    .map(({ invariant, target, breach }) => ({ invariant, target, detail: breach.detail }));
  const rhythmOf = ({ detail }: Symptom) =>
    detail.kind === "blind" ? (given.snapshot?.sources[detail.source]?.rhythmMs ?? 0) : 0;
  const isOver = (cause: Symptom & { endedAtMs?: number }, explanation: Explanation, effect: Symptom) =>
    cause.endedAtMs !== undefined &&
    nowMs - cause.endedAtMs >= Math.max((explanation.tailMs ?? tailMs) * graceScale, readingsMin * rhythmOf(effect));
  const causes: (Symptom & { endedAtMs?: number })[] = [...firing, ...given.ended];
  const silence = firing.filter(({ invariant }) => invariant === framework.observerSilent.name);

  const causesNamed = Map.groupBy(causes, ({ invariant }) => invariant);
  const explaining = Map.groupBy(explanations, ({ effect }) => effect);

  const joins = (explanation: Explanation, cause: Symptom, effect: Symptom) => {
    if (cause.invariant === effect.invariant && cause.target === effect.target) return false;
    try {
      return explanation.joins(cause, effect);
    } catch (error) {
      failures.push({ invariant: effect.invariant, target: effect.target, message: messageOf(error) });
      return false;
    }
  };
  const causesOf = (effect: Symptom) =>
    (explaining.get(effect.invariant) ?? []).flatMap((explanation) =>
      (causesNamed.get(explanation.cause) ?? []).filter(
        (cause) => !isOver(cause, explanation, effect) && joins(explanation, cause, effect),
      ),
    );

  /** A whole source has no fault of its own when something else explains each of its targets. */
  const causesOfWhole = (whole: Symptom) => {
    const parts = firing.filter((one) => isPartOf(one, whole));
    const ofParts = parts.map((part) => causesOf(part).filter((one) => !isWholeSource(one)));
    return ofParts.length > 0 && ofParts.every((some) => some.length > 0) ? ofParts.flat() : [];
  };

  return {
    explainedBy: (effect) => {
      const found = [
        ...causesOf(effect),
        ...(isWholeSource(effect) ? causesOfWhole(effect) : []),
        // A silence breaks nothing, so what was seen broken stays a case of its own. It explains only why nobody sees it.
        ...(effect.isBlind && effect.invariant !== framework.observerSilent.name ? silence : []),
      ];
      return [...new Set(found.map((one) => violationKeyOf({ subject, ...one })))].sort();
    },
    mayBeExplained: ({ invariant }) => explaining.has(invariant),
  };
}

function isPartOf(part: Symptom, whole: Symptom): boolean {
  return (
    part.invariant === whole.invariant &&
    part.detail.kind === "blind" &&
    whole.detail.kind === "blind" &&
    part.detail.source === whole.detail.source &&
    !isWholeSource(part)
  );
}
