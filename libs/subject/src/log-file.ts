import { constants } from "node:fs";
import { open } from "node:fs/promises";

/**
 * The last whole lines of a text file, oldest first, of at most so many bytes. Throws when it's no regular file that can
 * be read; a pipe is never waited for.
 */
export async function lastLinesOf(file: string, bytesMax: number): Promise<string[]> {
  await using handle = await open(file, constants.O_RDONLY | constants.O_NONBLOCK);
  const about = await handle.stat();
  if (!about.isFile()) throw new Error(`${file} is no regular file`);
  // One byte more tells whether the first line is whole.
  const from = Math.max(0, about.size - bytesMax - 1);
  const { buffer, bytesRead } = await handle.read(Buffer.alloc(about.size - from), 0, about.size - from, from);
  const lines = buffer.toString("utf8", 0, bytesRead).split("\n");
  return (from > 0 ? lines.slice(1) : lines).filter((line) => line !== "");
}
