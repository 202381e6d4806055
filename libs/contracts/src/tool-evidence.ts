import { z } from "zod";
import { Json } from "./json.ts";
import { Logs } from "./logs.ts";
import { SubjectName, TimeMs } from "./names.ts";
import { ReadToolName } from "./read-tool.ts";
import { TicketId } from "./ticket-id.ts";

/** When it was told: unique within an attempt and tool, as documents are found by it. */
const told = { subject: SubjectName, ticket: TicketId, attempt: z.int().positive(), atMs: TimeMs };

/** The ends of logs. */
export const LogsEvidence = z.object({ ...told, tool: z.literal("logs"), logs: Logs });
export type LogsEvidence = z.infer<typeof LogsEvidence>;

/** What a read tool said, with what it was asked and when it read that. */
export const ReadEvidence = z.object({
  ...told,
  tool: ReadToolName,
  parameters: Json,
  readAtMs: TimeMs,
  value: Json,
  leftOut: z.int().nonnegative(),
});
export type ReadEvidence = z.infer<typeof ReadEvidence>;

/** What a diagnoser was told when it asked for an attempt, kept so that what is cited can be looked up again. */
export const ToolEvidence = z.union([LogsEvidence, ReadEvidence]);
export type ToolEvidence = z.infer<typeof ToolEvidence>;
