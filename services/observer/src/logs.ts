import { logBounds, type LogLine, type Logs, type LogTail, type LogsQuestion } from "@operator/contracts/logs";
import { redact } from "@operator/evidence/secrets";
import { plainText } from "@operator/evidence/telemetry";
import type { LogReader, WrittenLine } from "@operator/subject/observation";

const targetsMax = 4;
const readWithinMs = 1_000;

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

/** A subject's words are hostile: each line comes out plain, cut, and without what looks like a secret. */
export function tailOf(written: readonly WrittenLine[], nowMs: number, secrets: readonly string[]): LogLine[] {
  const { linesMax, charsMax, lineCharsMax, agoMsMax } = logBounds;
  const lines: LogLine[] = [];
  let chars = 0;
  for (const { atMs, text } of written.filter((line) => line.atMs >= nowMs - agoMsMax).toReversed()) {
    const line = { atMs, text: plainText(redact(text, secrets), lineCharsMax) };
    chars += line.text.length;
    if (lines.length === linesMax || chars > charsMax) break;
    if (line.text !== "") lines.push(line);
  }
  return lines.toReversed();
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
