import type { FaultEvent } from "@operator/contracts/chaos";

export type Phase = FaultEvent["phase"];

/** A fault that began, with what the journal says of it since. */
export interface FaultRecord {
  /** Its `injecting`, written before the effect. */
  readonly began: FaultEvent;
  /** Where that stands in the journal: of two faults that collide the earlier one stands. */
  readonly sequence: number;
  readonly since: Readonly<Partial<Record<Phase, FaultEvent>>>;
}

/** What a fault is known by: an id may be used once in each subject. */
export function recordKeyOf({ subject, id }: Pick<FaultEvent, "subject" | "id">): string {
  return `${subject}.${id}`;
}

/** The faults that may still have an effect, after one more event. Free of repeats: an event that is known changes nothing. */
export function withEvent(
  open: ReadonlyMap<string, FaultRecord>,
  event: FaultEvent,
  sequence: number,
): ReadonlyMap<string, FaultRecord> {
  const key = recordKeyOf(event);
  const record = open.get(key);
  const next = new Map(open);
  if (event.phase === "injecting") next.set(key, record ?? { began: event, sequence, since: {} });
  // What was refused or only planned never began.
  else if (record === undefined) return open;
  else if (event.phase === "reverted") next.delete(key);
  else next.set(key, { ...record, since: { ...record.since, [event.phase]: event } });
  return next;
}

/** When its time is over: as the injection said, or as it was meant when that said nothing. */
export function endsAtMsOf({ began, since }: FaultRecord): number {
  return since.injected?.endsAtMs ?? began.endsAtMs ?? began.atMs + began.ttlMs;
}
