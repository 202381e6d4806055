import { compiledOf } from "@operator/contracts/compiled";
import type { Snapshot } from "@operator/contracts/snapshot";
import { z } from "zod";

/** The schema of one reading per source: a snapshot's `parts[source][target]`. */
export type StateParts = Record<string, z.ZodType>;

/** What invariants, topology and playbook see: source → target → reading. A source that never read has no entry. */
export type StateOf<Parts extends StateParts> = { [Source in keyof Parts]?: Record<string, z.infer<Parts[Source]>> };

/** Says what each source of a room reads of a target. */
export function defineState<const Parts extends StateParts>(parts: Parts): Parts {
  return parts;
}

/**
 * The typed state of a snapshot. A reading that doesn't fit the schema is left out and named, so that one odd reading
 * makes one target unknown and not the whole snapshot.
 */
export function parseState<Parts extends StateParts>(parts: Parts, snapshot: Snapshot) {
  const state: Record<string, Record<string, unknown>> = {};
  const misfits: { source: string; target: string; message: string }[] = [];
  for (const [source, schema] of Object.entries(parts)) {
    const readings = Object.entries(snapshot.parts).find(([name]) => name === source)?.[1];
    if (!readings) continue;
    const parser = compiledOf(schema);
    const read: Record<string, unknown> = (state[source] = {});
    for (const [target, reading] of Object.entries(readings)) {
      const parsed = parser.safeParse(reading);
      if (parsed.success) read[target] = parsed.data;
      else misfits.push({ source, target, message: z.prettifyError(parsed.error) });
    }
  }
  // The loop above put under each source what that source's own schema accepted.
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion
  return { state: state as StateOf<Parts>, misfits };
}
