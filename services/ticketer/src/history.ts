import type { HistoryEntry } from "@operator/contracts/ticket";

export const historyMax = 300;
/** How it began is never dropped. */
const firstKept = 20;

export interface History {
  history: HistoryEntry[];
  historyDropped: number;
}

/**
 * Adds entries to a history: a set by id in the order of time, so that repeats and late messages change nothing. Of two
 * with one id the words of the earlier message stay. Bounded: what is dropped lies in the middle, and is the checker's
 * or a diagnoser's as long as there is any such; a person's word is also what a repeated command is known by.
 */
export function remember(now: History, entries: readonly HistoryEntry[]): History {
  const news = entries.filter((entry) => {
    const known = now.history.find(({ id }) => id === entry.id);
    return known === undefined || isSaidBefore(entry, known);
  });
  if (news.length === 0) return now;
  const byId = new Map([...now.history, ...news].map((entry) => [entry.id, entry]));
  const all = [...byId.values()].sort(inTime);
  const kept = bounded(all);
  if (sameEntries(kept, now.history)) return now;
  return { history: kept, historyDropped: now.historyDropped + all.length - kept.length };
}

export function hasEntry(now: History, id: string): boolean {
  return now.history.some((entry) => entry.id === id);
}

function isSaidBefore(entry: HistoryEntry, known: HistoryEntry): boolean {
  return entry.asOf !== undefined && known.asOf !== undefined && entry.asOf < known.asOf;
}

/** In the order of time. What opened the ticket comes first whatever its time: it's the observer's, others are the bus's. */
export function inTime(a: HistoryEntry, b: HistoryEntry): number {
  if (a.kind === "opened" || b.kind === "opened") return Number(b.kind === "opened") - Number(a.kind === "opened");
  if (a.atMs !== b.atMs) return a.atMs - b.atMs;
  return a.id < b.id ? -1 : 1;
}

function bounded(all: HistoryEntry[]): HistoryEntry[] {
  let tooMany = all.length - historyMax;
  if (tooMany <= 0) return all;
  const isKept = (entry: HistoryEntry, at: number) => {
    if (at < firstKept || entry.command !== undefined || tooMany === 0) return true;
    tooMany -= 1;
    return false;
  };
  const kept = all.filter(isKept);
  return [...kept.slice(0, firstKept), ...kept.slice(firstKept).slice(firstKept - historyMax)];
}

function sameEntries(a: HistoryEntry[], b: HistoryEntry[]): boolean {
  return a.length === b.length && a.every((entry, at) => entry === b[at]);
}
