/** What a command touches of the world besides the bus. `main.ts` makes the real one. */
export interface Shell {
  env: Record<string, string | undefined>;
  /** The project's folder, where `.operator/context.json` is looked for. */
  root: string;
  out: (text: string) => void;
  err: (text: string) => void;
  /** Asks the person at the terminal; the line that was typed. */
  ask: (question: string) => Promise<string>;
  /** Whether a person sees standard output: then it's drawn again in place by `--watch`. */
  isTerminal: boolean;
  hasColour: boolean;
  columns: number;
  rows: number;
  nowMs: () => number;
  /** Fires on Ctrl-C: whatever follows or watches ends, well. */
  signal: AbortSignal;
}

/** How the command is typed here: through npm the program isn't on the path. */
export function programName(env: Shell["env"]): string {
  return env["npm_lifecycle_event"] === undefined ? "operator" : "npm run -s operator --";
}
