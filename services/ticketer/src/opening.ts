import type { HistoryEntry } from "@operator/contracts/ticket";
import { inTime } from "./history.ts";

/** The id of "it fires", from which the transition can be told again: `firing:<sinceMs>:<changedAtMs>`. */
export function firingId(violation: { sinceMs: number; changedAtMs: number }): string {
  return `firing:${violation.sinceMs}:${violation.changedAtMs}`;
}

/**
 * Says of each "it fires" in a history what it was: the first one opened the ticket, later ones are seen again after a
 * blind time, or begun again when the checker counts a new episode. Told from all that is known, not from what came
 * first, as messages may come late. A ticket that nobody saw fire was opened by the first that was heard of it.
 */
export function tellOpening(history: readonly HistoryEntry[], openedAtMs: number): HistoryEntry[] {
  const first = history.filter(isFiring).sort(byEpisode)[0];
  const told = history
    .filter(({ id }) => first === undefined || id !== "opened")
    .map((entry): HistoryEntry => {
      if (entry === first || entry.id === "opened") return keep(entry, "opened", openedAtMs);
      if (first === undefined || !isFiring(entry)) return entry;
      const isNewEpisode = episodeOf(entry).sinceMs > episodeOf(first).sinceMs && startsEpisode(entry, history);
      return keep(entry, isNewEpisode ? "begun_again" : "seen_again", episodeOf(entry).changedAtMs);
    });
  return told.sort(inTime);
}

function keep(entry: HistoryEntry, kind: HistoryEntry["kind"], atMs: number): HistoryEntry {
  return entry.kind === kind && entry.atMs === atMs ? entry : { ...entry, kind, atMs };
}

function isFiring({ id }: HistoryEntry): boolean {
  return id.startsWith("firing:");
}

function episodeOf({ id }: HistoryEntry): { sinceMs: number; changedAtMs: number } {
  const [, since, changed] = id.split(":");
  return { sinceMs: Number(since), changedAtMs: Number(changed) };
}

function startsEpisode(entry: HistoryEntry, history: readonly HistoryEntry[]): boolean {
  const { sinceMs, changedAtMs } = episodeOf(entry);
  return !history.some((other) => {
    if (!isFiring(other)) return false;
    const episode = episodeOf(other);
    return episode.sinceMs === sinceMs && episode.changedAtMs < changedAtMs;
  });
}

function byEpisode(a: HistoryEntry, b: HistoryEntry): number {
  const [left, right] = [episodeOf(a), episodeOf(b)];
  return left.sinceMs - right.sinceMs || left.changedAtMs - right.changedAtMs;
}
