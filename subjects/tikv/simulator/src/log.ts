type Level = "INFO" | "WARN" | "ERROR";
/** What stands where a real one names file and line, e.g. `raft_client.rs:610`; in PD's lines of etcd after the component. */
type Source = string | [component: string, file: string];
export type Log = (level: Level, source: Source, message: string, fields?: Record<string, string | number>) => void;

/**
 * Lines of the unified log format: `[2026/11/21 05:29:33.435 +00:00] [WARN] [file:1] ["a message"] [key=value]`. `last`
 * stands at the end of each, as TiKV's `thread_id`.
 */
export function createLog(write: (line: string) => void, last: Record<string, string | number> = {}): Log {
  return (level, source, message, fields = {}) => {
    const pairs = Object.entries({ ...fields, ...last }).map(([key, value]) => `[${quoted(key)}=${quoted(value)}]`);
    const sources = [source].flat().map((each) => `[${each}]`);
    write(`${[`[${timeOf(new Date())}]`, `[${level}]`, ...sources, `[${quoted(message)}]`, ...pairs].join(" ")}\n`);
  };
}

function timeOf(now: Date): string {
  return `${now.toISOString().slice(0, 23).replaceAll("-", "/").replace("T", " ")} +00:00`;
}

/** In quotes only where spaces, quotes, brackets or `=` would end the value. */
function quoted(value: string | number): string {
  const text = String(value);
  return /[\s"[\]=]/.test(text) ? JSON.stringify(text) : text;
}
