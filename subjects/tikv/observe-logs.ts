import { lastLinesOf } from "@operator/subject/log-file";
import type { LogReader, WrittenLine } from "@operator/subject/observation";
import type { KnownStores } from "./known-stores.ts";
import { endsOf, entriesOf, type LogEntry, regionIdOf } from "./log-format.ts";
import { pdTarget } from "./targets.ts";

/** An election writes some lines for each region: among thousands of them the others are to be found. */
const bytesMax = 524_288;
/** Of entries that say the same (but for numbers), so many of the newest are told. */
const alikeMax = 5;

/** The logs of stores and PD members, from the files that a person named by a store's address or a member's name. */
export function logsOf(files: ReadonlyMap<string, string>, stores: KnownStores): LogReader {
  return {
    targets: () => [...filesByTarget(files, stores).keys()],
    read: async (target) => {
      const entries = tellingEntries(await lastEntriesOf(target, files, stores));
      return entries.flatMap((entry): WrittenLine[] => endsOf(entry).map((text) => ({ atMs: entry.atMs, text })));
    },
  };
}

/** The newest entries of a target's log, oldest first. Throws when no file is named for it, or it can't be read. */
export async function lastEntriesOf(
  target: string,
  files: ReadonlyMap<string, string>,
  stores: KnownStores,
): Promise<LogEntry[]> {
  const file = filesByTarget(files, stores).get(target);
  if (file === undefined) throw new Error(`no file is named for the log of ${target}: add it to TIKV_LOGS`);
  return entriesOf(await lastLinesOf(file, bytesMax));
}

/** By the targets as they are known now: an address is a store's once PD has listed it. */
function filesByTarget(files: ReadonlyMap<string, string>, stores: KnownStores): Map<string, string> {
  const targets = new Map([...stores.listed()].map(([target, { address }]) => [address, target]));
  return new Map(
    [...files].flatMap(([name, file]) => {
      const target = targets.get(name) ?? (name.includes(":") ? undefined : pdTarget(name));
      return target === undefined ? [] : [[target, file] as const];
    }),
  );
}

/** What is worth being told: of entries that are alike the newest, and of a region's only those that name it. */
export function tellingEntries(entries: readonly LogEntry[]): LogEntry[] {
  const alike = new Map<string, number>();
  const told = entries.toReversed().filter((entry) => {
    if (isOfSomeRegion(entry)) return false;
    const kind = `${entry.level} ${entry.source.replace(/:\d+$/, "")} ${entry.message.replace(/\d+/g, "0")}`;
    const count = (alike.get(kind) ?? 0) + 1;
    alike.set(kind, count);
    return count <= alikeMax;
  });
  return told.toReversed();
}

/** Fields that only what is about a region has. */
const regionFields = ["raft_id", "peer_id", "region", "epoch", "region_epoch"];

/** Of a region or its peer, without saying which: it tells nothing. (All that were recorded say it.) */
function isOfSomeRegion(entry: LogEntry): boolean {
  const { fields } = entry;
  if (regionIdOf(entry) !== undefined) return false;
  // A member of etcd is a peer as well, and has no number.
  return regionFields.some((key) => fields.has(key)) || /^id: ?\d/.test(fields.get("peer") ?? "");
}
