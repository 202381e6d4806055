import { logBounds, type LogLine, type Logs, type LogTail, type LogsQuestion } from "@operator/contracts/logs";
import { redact } from "@operator/evidence/secrets";
import { plainText } from "@operator/evidence/telemetry";
import type { LogReader, WrittenLine } from "@operator/subject/observation";

const targetsMax = 4;
const readWithinMs = 1_000;
/** `… lines left out: 12345` */
const noteCharsMax = 32;

/** The ends of the logs of the first few of these targets that have one. One that can't be read is missing, and says why. */
export async function readLogs(
  reader: LogReader,
  { near }: LogsQuestion,
  { nowMs, secrets }: { nowMs: number; secrets: readonly string[] },
): Promise<Logs> {
  const written = new Set(reader.targets());
  const wanted = [...new Set(near)].filter((target) => written.has(target)).slice(0, targetsMax);
  const tails = wanted.map(async (target): Promise<[string, LogTail]> => {
    try {
      return [target, { kind: "read", lines: tailOf(await inTime(reader.read(target)), nowMs, secrets) }];
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      return [target, { kind: "missing", why: plainText(redact(why, secrets), 300) }];
    }
  });
  return Object.fromEntries(await Promise.all(tails));
}

/**
 * The newest entries, oldest first, as far as there's room. An entry's lines bear one time: the first says what happened,
 * so an entry that is too long loses its middle, and says how much. A subject's words are hostile: each line comes out
 * plain, cut, and without what looks like a secret.
 */
export function tailOf(written: readonly WrittenLine[], nowMs: number, secrets: readonly string[]): LogLine[] {
  const { linesMax, charsMax, agoMsMax } = logBounds;
  const room = { lines: linesMax, chars: charsMax };
  const told: LogLine[][] = [];
  for (const entry of entriesOf(written.filter(({ atMs }) => atMs >= nowMs - agoMsMax)).toReversed()) {
    const { lines, isWhole } = endsOf(entry, room, secrets);
    told.unshift(lines);
    if (!isWhole) break;
    room.lines -= lines.length;
    room.chars -= charsOf(lines);
  }
  return told.flat();
}

function entriesOf(written: readonly WrittenLine[]): WrittenLine[][] {
  const entries: WrittenLine[][] = [];
  for (const line of written) {
    const last = entries.at(-1);
    if (last?.[0]?.atMs === line.atMs) last.push(line);
    else entries.push([line]);
  }
  return entries;
}

/** An entry whole, or as much of both its ends as there's room for, and between them how many lines are left out. */
function endsOf(
  entry: readonly WrittenLine[],
  room: { lines: number; chars: number },
  secrets: readonly string[],
): { lines: LogLine[]; isWhole: boolean } {
  const first: LogLine[] = [];
  const last: LogLine[] = [];
  let chars = 0;
  let [from, to] = [0, entry.length];
  while (from < to) {
    const isFirst = first.length <= last.length;
    const { atMs = 0, text = "" } = entry[isFirst ? from : to - 1] ?? {};
    const line = { atMs, text: plainText(redact(text, secrets), logBounds.lineCharsMax) };
    const isRest = to - from > 1;
    if (first.length + last.length + (isRest ? 1 : 0) >= room.lines) break;
    if (chars + line.text.length + (isRest ? noteCharsMax : 0) > room.chars) break;
    if (isFirst) from += 1;
    else to -= 1;
    if (line.text === "") continue;
    chars += line.text.length;
    if (isFirst) first.push(line);
    else last.unshift(line);
  }
  if (from === to) return { lines: [...first, ...last], isWhole: true };
  const note = first.slice(-1).map(({ atMs }) => ({ atMs, text: `… lines left out: ${to - from}` }));
  return { lines: [...first, ...note, ...last], isWhole: false };
}

function charsOf(lines: readonly LogLine[]): number {
  return lines.reduce((sum, { text }) => sum + text.length, 0);
}

/** A disk that hangs must not hold up the answer. */
async function inTime<T>(reading: Promise<T>): Promise<T> {
  const { promise: late, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error(`not read within ${readWithinMs} ms`)), readWithinMs);
  try {
    return await Promise.race([reading, late]);
  } finally {
    clearTimeout(timer);
  }
}
