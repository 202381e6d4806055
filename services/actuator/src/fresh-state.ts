import type { Bus } from "@operator/bus/bus";
import { ask } from "@operator/bus/query";
import type { SubjectName } from "@operator/contracts/names";
import { queries } from "@operator/contracts/query";
import type { Snapshot } from "@operator/contracts/snapshot";
import type { Need } from "@operator/subject/invariant";
import { parseState, type StateParts } from "@operator/subject/state";

const withinMs = 4_000;
/** Older than so many rhythms is stale, as for the checker. */
const rhythmsMax = 3;

/**
 * The subject's state, asked from the observer now. What it couldn't read, or read too long ago, is left out: an action
 * that needs it finds nothing. Throws when nobody answers.
 */
export async function freshState(bus: Bus, subject: SubjectName, parts: StateParts): Promise<never> {
  const snapshot = await ask(bus, queries.state, subject, {}, { withinMs });
  // The room's own schema made this state; only its type is unknown here.
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion
  return parseState(parts, freshPartsOf(snapshot)).state as never;
}

/** What the guard needs and nobody sees now, e.g. `probe of node-a`. */
export function unseenIn(state: never, needs: readonly Need[]): string[] {
  const parts: Partial<Record<string, Partial<Record<string, unknown>>>> = state;
  return needs
    .filter(({ source, target }) => parts[source]?.[target] === undefined)
    .map(({ source, target }) => `${source} of ${target}`);
}

/** The snapshot without readings that failed or are stale. */
export function freshPartsOf(snapshot: Snapshot): Snapshot {
  const parts = Object.fromEntries(
    Object.entries(snapshot.parts).map(([source, readings]) => {
      const report = Object.entries(snapshot.sources).find(([name]) => name === source)?.[1];
      const isFresh = (target: string) => {
        const about = Object.entries(report?.targets ?? {}).find(([name]) => name === target)?.[1];
        if (!report || about?.readAtMs === undefined || about.error) return false;
        return snapshot.atMs - about.readAtMs <= rhythmsMax * report.rhythmMs;
      };
      return [source, Object.fromEntries(Object.entries(readings).filter(([target]) => isFresh(target)))];
    }),
  );
  return { ...snapshot, parts };
}
