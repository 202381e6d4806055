import { z } from "zod";
import { TargetName, TimeMs } from "./names.ts";

/** What one target's log may tell at most: the newest lines, together of so many characters, none older than this. */
export const logBounds = { linesMax: 50, charsMax: 16_384, lineCharsMax: 400, agoMsMax: 600_000 } as const;

/**
 * A line as the target wrote it: one plain line, cut, without secrets; dated by the target's own clock. Where an entry was too
 * long, one of its lines is ours: `… lines left out: 37`.
 */
export const LogLine = z.object({ atMs: TimeMs, text: z.string().min(1).max(logBounds.lineCharsMax) });
export type LogLine = z.infer<typeof LogLine>;

/** The end of one target's log, oldest line first; or why it can't be read. */
export const LogTail = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("read"), lines: z.array(LogLine).max(logBounds.linesMax) }),
  z.object({ kind: z.literal("missing"), why: z.string().max(300) }),
]);
export type LogTail = z.infer<typeof LogTail>;

/** Whose log is wanted: of these, nearest first, the first few that have one. */
export const LogsQuestion = z.object({ near: z.array(TargetName).max(100) });
export type LogsQuestion = z.infer<typeof LogsQuestion>;

/** Target → the end of its log. Empty: none of those asked for has a log that can be read. */
export const Logs = z.record(TargetName, LogTail);
export type Logs = z.infer<typeof Logs>;
