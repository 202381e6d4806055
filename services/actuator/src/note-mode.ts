import { canonical } from "@operator/approval/canonical";
import type { Write } from "@operator/bus/bucket";
import type { ActionNote } from "@operator/contracts/action";
import type { Control } from "@operator/contracts/control";
import { flow } from "@operator/contracts/flow";
import { buckets } from "@operator/contracts/streams";
import { plainText } from "@operator/evidence/telemetry";
import type { Desk } from "./desk.ts";

/**
 * Copies each change of the mode into ACTIONS, once: every write of `control` that isn't only a claim, also those of which no
 * actuator knew at their time, as far back as the bucket's history goes.
 */
export function modeNoter({ control, context }: Pick<Desk, "control" | "context">): () => Promise<void> {
  let after = 0;
  let before: string | undefined;
  return async () => {
    const last = await control.lastRevision();
    if (last === after) return;
    // The bucket was made anew.
    if (last < after) [after, before] = [0, undefined];
    const writes = await control.writes(after);
    // What stood before the oldest of a full history isn't known: it may be a claim in a mode that was noted long ago.
    const isCut = after === 0 && writes.length >= buckets.control.history;
    for (const write of writes) {
      const said = saidBy(write);
      if (said !== before && !(isCut && before === undefined)) await context.bus.publish(flow.note, noteOf(write));
      [after, before] = [write.revision, said];
    }
  };
}

/** What of an entry isn't about claims. */
function saidBy(write: Write<Control>): string {
  if (!("value" in write)) return `no mode: ${write.revision}`;
  const { mode, term, by, atMs, reason, statement } = write.value;
  return canonical({ mode, term, by, atMs, reason, ...(statement && { statement }) });
}

function noteOf(write: Write<Control>): ActionNote {
  const { revision } = write;
  const kind = "mode_changed";
  if (!("value" in write)) {
    const text = "removed" in write ? "control was removed: the mode is observe" : "what was written can't be read";
    const id = `revision-${revision}`;
    return { id, kind, atMs: Date.now(), by: "unknown", text: `${text} (revision ${revision})` };
  }
  const { mode, term, by, atMs, reason, statement } = write.value;
  return {
    // Revisions begin anew with the bucket, and the audit stays.
    id: `revision-${revision}-${atMs}`,
    kind,
    atMs,
    by,
    text: plainText(`${mode}, term ${term}: ${reason}`, 1_000),
    ...(statement && { statement: statement.statement, signature: statement.signature }),
  };
}
