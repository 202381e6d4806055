import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

const folder = join(import.meta.dirname, "..", "..", "recordings");

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

/** Every exchange of one folder of recordings: lines that begin with `# `, then the body. */
export function recordingsOf(name: string): Recording[] {
  return readdirSync(join(folder, name))
    .filter((file) => file.endsWith(".txt") && !file.includes("metrics"))
    .map((file) => readRecording(`${name}/${file.slice(0, -4)}`));
}

export function readRecording(name: string): Recording {
  const lines = readFileSync(join(folder, `${name}.txt`), "utf8").split("\n");
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

export function readMetrics(name: string): string {
  return readFileSync(join(folder, `${name}.txt`), "utf8");
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
