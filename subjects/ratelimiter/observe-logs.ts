import { lastLinesOf } from "@operator/subject/log-file";
import type { LogReader, WrittenLine } from "@operator/subject/observation";
import { z } from "zod";

/** More than is told of a log, as what is told is cut. */
const bytesMax = 65_536;
/** `26371:M 21 Nov 2026 14:02:44.123 * Ready to accept connections`, in the local time of its host. */
const redisLine = /^\d+:[A-Z] (\d{2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2}\.\d{3}) /;
const NodeLine = z.object({ time: z.int().nonnegative() });

/** The logs of nodes and of Redis, from the files that a person named. */
export function logsOf(files: ReadonlyMap<string, string>): LogReader {
  return {
    targets: () => [...files.keys()],
    read: async (target) => datedLines(await lastLinesOf(files.get(target) ?? "", bytesMax)),
  };
}

/** A line that bears no time, such as the next one of a stack, has that of the line before it. */
export function datedLines(lines: readonly string[]): WrittenLine[] {
  let atMs: number | undefined;
  return lines.flatMap((text) => {
    atMs = timeOf(text) ?? atMs;
    return atMs === undefined ? [] : [{ atMs, text }];
  });
}

function timeOf(line: string): number | undefined {
  const [, written] = redisLine.exec(line) ?? [];
  if (written !== undefined) {
    const atMs = Date.parse(written);
    return Number.isNaN(atMs) ? undefined : atMs;
  }
  if (!line.startsWith("{")) return undefined;
  try {
    return NodeLine.safeParse(JSON.parse(line)).data?.time;
  } catch {
    return undefined;
  }
}
