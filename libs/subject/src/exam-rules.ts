import { details, nowhere } from "./exam-samples.ts";
import { framework, frameworkExplanations } from "./framework.ts";
import { allFresh, type Invariant, type Need } from "./invariant.ts";
import type { StateParts } from "./state.ts";
import type { Explanation, Topology } from "./topology.ts";

/** What each rule promises of itself, and that it says nothing of what it can't see. */
export function examineInvariants(invariants: readonly Invariant<never>[], state: StateParts): string[] {
  const frameworkNames = new Set<string>(Object.values(framework).map(({ name }) => name));
  const names = invariants.map(({ name }) => name);
  return invariants.flatMap((invariant, i) => {
    const { name, graceMs, worstDetectionMs } = invariant;
    const about = `invariants.ts: ${name}`;
    const complaints: string[] = [];
    if (names.indexOf(name) !== i) complaints.push(`${about}: named twice`);
    if (frameworkNames.has(name)) complaints.push(`${about}: is the framework's own name; choose another`);
    if (worstDetectionMs <= graceMs) {
      complaints.push(
        `${about}: worstDetectionMs ${worstDetectionMs} must be more than graceMs ${graceMs}: it includes the grace`,
      );
    }
    complaints.push(...examineNeeds(`${about}: needs`, () => invariant.needs(nowhere), state));
    if (invariant.left) {
      const { needs } = invariant.left;
      complaints.push(...examineNeeds(`${about}: left.needs`, () => needs(nowhere), state));
    }
    complaints.push(
      ...examineOnNothing(`${about}: targets`, () => {
        const targets = invariant.targets(nothing());
        return Array.isArray(targets) ? undefined : "gives no list";
      }),
      ...examineOnNothing(`${about}: judge`, () => {
        const { verdict } = invariant.judge(nothing(), nowhere, 0, allFresh);
        return verdict === "unknown" ? undefined : `says ${verdict}; what isn't there is unknown`;
      }),
      ...examineOnNothing(`${about}: left.says`, () => {
        return invariant.left?.says(nothing(), nowhere) === true
          ? "says that a target left, without evidence"
          : undefined;
      }),
    );
    return complaints;
  });
}

/** That each explanation joins rules that exist, in time and in one direction. */
export function examineExplanations(
  invariants: readonly Invariant<never>[],
  explanations: readonly Explanation[],
): string[] {
  const rules = new Map<string, { graceMs: number; worstDetectionMs: number }>(
    [...invariants, ...Object.values(framework)].map((rule) => [rule.name, rule]),
  );
  const complaints = explanations.flatMap(({ cause, effect, joins }) => {
    const about = `topology.ts: ${cause} explains ${effect}`;
    const [of, on] = [rules.get(cause), rules.get(effect)];
    if (!of || !on) {
      const unknown = of ? effect : cause;
      return [`${about}: no invariant is named ${unknown}; there are ${[...rules.keys()].join(", ")}`];
    }
    const late =
      on.graceMs < of.worstDetectionMs
        ? [
            `${about}: ${effect}'s grace of ${on.graceMs} ms is shorter than ${cause}'s worst detection of ` +
              `${of.worstDetectionMs} ms, so the symptom would fire first`,
          ]
        : [];
    const failing = examineOnNothing(`${about}: joins`, () => {
      for (const one of details) {
        for (const other of details) {
          joins(
            { invariant: cause, target: nowhere, detail: one },
            { invariant: effect, target: nowhere, detail: other },
          );
        }
      }
      return undefined;
    });
    return [...late, ...failing];
  });
  return [...complaints, ...circles([...explanations, ...frameworkExplanations])];
}

/** That the targets have one name each, and depend on targets. */
export function examineTopology(topology: Topology<never>): string[] {
  return examineOnNothing("topology.ts: targets", () => {
    const targets = topology.targets(nothing());
    const names = targets.map(({ name }) => name);
    const twice = names.find((name, i) => names.indexOf(name) !== i);
    if (twice !== undefined) return `names ${twice} twice`;
    for (const { name, dependsOn } of targets) {
      const missing = dependsOn.find((one) => !names.includes(one));
      if (missing !== undefined) return `${name} depends on ${missing}, which is no target`;
    }
    return undefined;
  });
}

function examineNeeds(about: string, needs: () => Need[], state: StateParts): string[] {
  return examineOnNothing(about, () => {
    const all = needs();
    if (all.length === 0) return "names no source: then nothing would ever be too old";
    const foreign = all.find(({ source }) => !Object.hasOwn(state, source));
    return foreign && `names the source ${foreign.source}; state.ts has ${Object.keys(state).join(", ")}`;
  });
}

/** Before the first reading the state is empty: nothing may throw on it. */
function examineOnNothing(about: string, run: () => string | undefined): string[] {
  try {
    const complaint = run();
    return complaint === undefined ? [] : [`${about}: ${complaint}`];
  } catch (error) {
    return [`${about}: throws where there's nothing to see: ${error instanceof Error ? error.message : String(error)}`];
  }
}

/** An empty state. Every source of every room may be absent, so it fits all of them; only the room knows its type. */
function nothing(): never {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion
  return {} as never;
}

/** Two that explain each other would both open no ticket. */
function circles(explanations: readonly Explanation[]): string[] {
  const effectsOf = Map.groupBy(explanations, ({ cause }) => cause);
  const reaches = (from: string, to: string, seen: Set<string>): boolean =>
    (effectsOf.get(from) ?? []).some(({ effect }) => {
      if (effect === to) return true;
      if (seen.has(effect)) return false;
      seen.add(effect);
      return reaches(effect, to, seen);
    });
  const own = framework.sourceBlind.name;
  return (
    [...effectsOf.keys()]
      // A whole source explains its parts under the same name; a room can't change that.
      .filter((name) => name !== own && reaches(name, name, new Set()))
      .map((name) => `topology.ts: ${name} explains itself in a circle: neither would open a ticket`)
  );
}
