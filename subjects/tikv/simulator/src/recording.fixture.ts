import { readdirSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";

const folder = join(import.meta.dirname, "..", "..", "recordings");

/** Which test compares what. A folder that's in none of these, or a file that isn't compared there, is found out. */
const folders = {
  answers: ["00-pd-not-bootstrapped", "01-pd-api-fake-stores", "02-metrics", "11-live-api", "50-pd-v8.5.5"],
  states: [
    "21-sigstop-one-tikv",
    "31-evict-leader",
    "33-operators",
    "34a-low-space",
    "34c-disk-already-full",
    "38-offline-store",
  ],
  longWaits: ["30-hot-write", "40-down-10min"],
  logs: ["03-logs"],
};

/** Recordings by name: folder and file, without its ending. */
export function namesFor(test: keyof typeof folders): string[] {
  return everyName().filter((name) => folders[test].some((each) => name.startsWith(`${each}/`)));
}

/** Recordings that no test is there for. */
export function namesForNobody(): string[] {
  const claimed = Object.values(folders).flat();
  return everyName().filter((name) => !claimed.some((each) => name.startsWith(`${each}/`)));
}

function everyName(): string[] {
  return files().map((file) => file.slice(0, file.lastIndexOf(".")));
}

function files(): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)));
}

/** What a real PD or TiKV was asked, and what it answered. */
export interface Recording {
  /** Folder and file, without its ending. */
  name: string;
  method: string;
  host: string;
  /** With its query. */
  path: string;
  requestBody?: string;
  status: number;
  /** Empty where none was sent. */
  type: string;
  text: string;
}

/** The exchanges of one folder. */
export function recordingsOf(name: string): Recording[] {
  return everyName()
    .filter((each) => each.startsWith(`${name}/`) && !each.includes("metrics"))
    .map(readRecording);
}

/** A recording's text, whatever its kind. */
export function readText(name: string): string {
  const file = files().find((each) => each.slice(0, each.lastIndexOf(".")) === name);
  if (file === undefined) throw new Error(`no recording "${name}"`);
  return readFileSync(join(folder, file), "utf8");
}

/** An exchange: lines that begin with `# `, then the body. */
export function readRecording(name: string): Recording {
  const lines = readText(name).split("\n");
  const end = lines.findIndex((line) => !line.startsWith("# "));
  const head = lines.slice(0, end);
  const [, method = "", url = ""] = /^# (\S+) (\S+)/.exec(head[0] ?? "") ?? [];
  const after = (prefix: string) => head.find((line) => line.startsWith(prefix))?.slice(prefix.length);
  const { host, pathname, search } = new URL(url);
  const requestBody = after("# request body: ");
  return {
    name,
    method,
    host,
    path: `${pathname}${search}`,
    ...(requestBody === undefined ? {} : { requestBody }),
    status: Number(after("# HTTP ")),
    type: after("# Content-Type: ") ?? after("# content-type: ") ?? "",
    text: lines.slice(end).join("\n").trim(),
  };
}

/** Names with the names of their labels, e.g. `pd_regions_status type`; a histogram's buckets count as its `_count`. */
export function seriesOf(metrics: string): Set<string> {
  const lines = metrics.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  return new Set(
    lines.map((line) => {
      const [, name = "", labels = ""] = /^(\w+)(?:\{(.*)\})? /.exec(line) ?? [];
      const names = [...labels.matchAll(/(\w+)="/g)].map(([, label = ""]) => label).filter((label) => label !== "le");
      return [name.replace(/_bucket$/, "_count"), ...names.toSorted((a, b) => a.localeCompare(b))].join(" ");
    }),
  );
}
