import { createInterface } from "node:readline/promises";

/** Asks on standard error, so that what a command prints stays clean, and gives the line that was typed. */
export async function askOnTerminal(question: string, signal: AbortSignal): Promise<string> {
  const line = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return await line.question(question, { signal });
  } finally {
    line.close();
  }
}
