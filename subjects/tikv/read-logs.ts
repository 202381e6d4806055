import { defineReadTool, type ReadToolHands } from "@operator/subject/read-tool";
import { z } from "zod";
import { KnownStores } from "./known-stores.ts";
import { endsOf } from "./log-format.ts";
import { lastEntriesOf, tellingEntries } from "./observe-logs.ts";
import { PdStores, storesPath } from "./pd-stores.ts";
import { withPd } from "./read-pd.ts";
import { readSettings } from "./settings.ts";
import { storeIdOf } from "./targets.ts";

const linesMax = 50;

const Tail = z.strictObject({
  target: z.string().min(1).max(80).describe("a store or a PD member, e.g. store-4 or pd-1"),
  lines: z.int().min(1).max(linesMax),
  filter: z
    .string()
    .max(80)
    .describe("only entries that contain this text, in upper or lower case, e.g. region_id=18; empty: all"),
});

/** The newest lines of a log that contain a text. */
export const getLogTail = defineReadTool<typeof Tail>({
  name: "get_log_tail",
  title: "The newest lines of one target's log",
  about: `Up to ${linesMax} lines, oldest first, as the target wrote them, each with its own clock's time; of an entry that is longer its first and last lines; of entries that say the same only the newest few, and of regions only those that name theirs. Only what a process says of itself: trust it less than what PD or Prometheus says of it.`,
  parameters: Tail,
  read: async ({ target, lines, filter }, hands) => {
    const { TIKV_LOGS: files } = readSettings(hands.environment);
    const entries = await lastEntriesOf(target, files, await storesOf(target, hands));
    const wanted = filter.toLowerCase();
    const found = entries.filter((entry) => entry.lines.some((line) => line.toLowerCase().includes(wanted)));
    const told: string[][] = [];
    let room = lines;
    for (const entry of tellingEntries(found).toReversed()) {
      if (room <= 0) break;
      told.unshift(endsOf(entry, room));
      room -= entry.lines.length;
    }
    return { target, lines: told.flat(), entriesRead: entries.length, entriesFound: found.length };
  },
});

/** Which address is which store only PD knows; a PD member's log can be read without it. */
async function storesOf(target: string, hands: ReadToolHands): Promise<KnownStores> {
  const stores = new KnownStores();
  if (storeIdOf(target) === undefined) return stores;
  await withPd(hands, async (pd) => {
    stores.learn((await pd.get(storesPath, PdStores, hands.signal)).stores ?? []);
  });
  return stores;
}
