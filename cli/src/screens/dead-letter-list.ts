import type { DeadLetter } from "@operator/contracts/dead-letter";
import { timeOf } from "../terminal/ages.ts";
import { entry, type Line, span } from "../terminal/page.ts";

/** Dead letters, newest last, each with why it died and how to send it again. */
export function deadLetterList(letters: readonly DeadLetter[], more: number, nowMs: number, columns: number): Line[] {
  if (letters.length === 0) return [["✓ No dead letters."]];
  const lines = letters.flatMap((letter): Line[] => {
    const line = (name: string, text: string) => entry(name, text, columns);
    const size = `${letter.bytes} bytes${letter.truncated ? ", not all kept: it can't be replayed" : ""}`;
    const tries = letter.deliveries === 1 ? "" : `, delivered ${letter.deliveries} times`;
    return [
      [span(letter.id, "title"), `  ${letter.service} ← ${letter.channel}`],
      ...entry("why", `${letter.code}: ${letter.reason}`, columns, "warn"),
      ...line("died", `${timeOf(letter.atMs, nowMs)}${tries}`),
      ...line("original", `${letter.stream} ${letter.sequence}, ${letter.address}, ${size}`),
      [],
    ];
  });
  return [...lines, ...(more > 0 ? [[`and ${more} older: --limit ${letters.length + more}`]] : [])];
}
