/** An entry of PD's or TiKV's log. All of it is what the process wrote: data, whatever it says. */
export interface LogEntry {
  atMs: number;
  /** As it's written, e.g. `+00:00`. */
  zone: string;
  /** `INFO`, `WARN`, `ERROR`, `FATAL`, `DEBUG`. */
  level: string;
  /** Of etcd's lines in PD's log, e.g. `raft`. */
  component?: string;
  /** `raft.rs:1213`; `<unknown>` of lines of gRPC. Line numbers differ by version. */
  source: string;
  message: string;
  /** Key → value, the first of each. TiKV's keys have underscores, PD's have dashes. */
  fields: ReadonlyMap<string, string>;
  /** The lines as they stand in the file: more than one when a value or a stack goes on. Of very many the first and the last. */
  lines: string[];
  /** How many between those aren't kept. */
  linesLeftOut: number;
}

const fieldsMax = 64;
/** Of a stack. */
const linesMax = 100;
const head = /^\[(\d{4})\/(\d{2})\/(\d{2}) (\d{2}:\d{2}:\d{2}\.\d{3}) ([+-]\d{2}:\d{2})\] \[([A-Z]+)\] /;
const sourceFile = /^(?:[\w./-]+\.(?:rs|go|cc|h|c):\d+|<unknown>)$/;

/**
 * The entries of a log in the unified format, `[time] [level] [file:line] [message] [key=value]…`. A line that doesn't begin
 * like that belongs to the entry before; before the first entry, to none, as the beginning of a file's end may be torn.
 */
export function entriesOf(lines: readonly string[]): LogEntry[] {
  const entries: LogEntry[] = [];
  for (const line of lines) {
    const entry = entryOf(line);
    if (entry) entries.push(entry);
    else {
      const last = entries.at(-1);
      if (!last) continue;
      last.lines.push(line);
      if (last.lines.length <= linesMax) continue;
      last.lines.splice(linesMax / 2, 1);
      last.linesLeftOut += 1;
    }
  }
  return entries;
}

function entryOf(line: string): LogEntry | undefined {
  const [matched = "", year, month, day, time, zone = "", level = ""] = head.exec(line) ?? [];
  const atMs = Date.parse(`${year}-${month}-${day}T${time}${zone}`);
  if (matched === "" || Number.isNaN(atMs)) return undefined;
  const brackets = bracketsOf(line, matched.length);
  const hasComponent = !sourceFile.test(brackets[0]?.key ?? "") && sourceFile.test(brackets[1]?.key ?? "");
  const [source, message, ...rest] = hasComponent ? brackets.slice(1) : brackets;
  const fields = new Map<string, string>();
  for (const { key, value } of rest) if (value !== undefined && !fields.has(key)) fields.set(key, value);
  return {
    atMs,
    zone,
    level,
    ...(hasComponent && brackets[0] && { component: brackets[0].key }),
    source: source?.key ?? "",
    message: message?.key ?? "",
    fields,
    lines: [line],
    linesLeftOut: 0,
  };
}

/**
 * So many lines of an entry, the first and the last ones, and between them how many are left out: the first says what
 * happened, and a stack below it says little without that.
 */
export function endsOf({ lines, linesLeftOut }: LogEntry, max = linesMax): string[] {
  const kept = Math.min(max, lines.length);
  const leftOut = lines.length - kept + linesLeftOut;
  if (leftOut === 0) return lines;
  const first = Math.ceil(kept / 2);
  return [...lines.slice(0, first), `… lines left out: ${leftOut}`, ...lines.slice(lines.length - (kept - first))];
}

interface Bracket {
  key: string;
  /** Of `[key=value]`. */
  value?: string;
}

/** `"text in JSON's quotes"`, or text without a bracket (and without `=`, where it's a key). */
const quoted = /"(?:[^"\\]|\\.)*"/y;
const plainKey = /[^\]=]*/y;
const plainValue = /[^\]]*/y;

/** What stands in brackets from here on; the last may be torn, and what follows something else isn't read. */
function bracketsOf(line: string, from: number): Bracket[] {
  const brackets: Bracket[] = [];
  let at = from;
  const take = (...patterns: RegExp[]): string => {
    for (const pattern of patterns) {
      pattern.lastIndex = at;
      const [found] = pattern.exec(line) ?? [];
      if (found === undefined) continue;
      at += found.length;
      return pattern === quoted ? unquoted(found) : found;
    }
    return "";
  };
  while (line[at] === "[" && brackets.length < fieldsMax) {
    at += 1;
    const from = at;
    const key = take(quoted, plainKey);
    const isField = line[at] === "=";
    if (isField) at += 1;
    const value = isField ? take(quoted, plainValue) : undefined;
    if (line[at] !== "]") {
      // Cut off in the middle, as by a full disk.
      brackets.push({ key: line.slice(from).replace(/^"/, "") });
      break;
    }
    brackets.push({ key, ...(value !== undefined && { value }) });
    at += line[at + 1] === " " ? 2 : 1;
  }
  return brackets;
}

function unquoted(text: string): string {
  try {
    const read: unknown = JSON.parse(text);
    return typeof read === "string" ? read : text;
  } catch {
    return text.slice(1, -1);
  }
}

/** The region that an entry names, by its id. */
export function regionIdOf({ fields }: LogEntry): string | undefined {
  const id = fields.get("region_id") ?? fields.get("region-id");
  return id !== undefined && /^\d{1,20}$/.test(id) ? id : undefined;
}
