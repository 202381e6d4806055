import { z } from "zod";
import { Severity, SubjectName, TimeMs } from "./names.ts";
import { TicketId } from "./ticket-id.ts";

/** Attempt n at diagnosing a ticket. A key to read the ticket by, not a copy of it. */
export const Job = z.object({
  subject: SubjectName,
  ticket: TicketId,
  attempt: z.int().min(1).max(3),
  severity: Severity,
  queuedAtMs: TimeMs,
  why: z.string().max(200),
});
export type Job = z.infer<typeof Job>;
