import type { KnownNodes } from "./observe-nodes.ts";

const usPerMs = 1_000;
const stepUs = 250 * usPerMs;
/** How far back the ends of windows lie: what is counted of a node late is looked at then. */
export const backMs = 3_500;
/** Of a node that has a place in the register everything is counted that is older, however seldom it renews it. */
const surelyMs = 4_000;

/** A window's beginning, which isn't in it, and its end, which is. In microseconds of Redis' clock. */
export interface Window {
  afterUs: number;
  untilUs: number;
}

/** The windows of this length that ended within the last 3.5 s, one each 250 ms, the latest first. None begins before `firstUs`. */
export function windowsUntil(untilUs: number, lengthUs: number, firstUs: number): Window[] {
  return Array.from({ length: (backMs * usPerMs) / stepUs + 1 }, (_, at) => untilUs - at * stepUs).map((endUs) => ({
    afterUs: Math.min(endUs, Math.max(0, firstUs, endUs - lengthUs)),
    untilUs: Math.max(0, endUs),
  }));
}

/**
 * Until when a node's admissions in a window are this Redis': what it admits without a place in the register may be
 * counted in another one, which `ghost_allowing` tells of. Until its last heartbeat they were counted here, and of a
 * window in which it was away nothing is counted that came later, though it's back.
 */
export function countedUntilUs(nodes: KnownNodes, id: string, nowUs: number, window: Window): number {
  const heartbeat = nodes.heartbeat(id);
  if (!heartbeat) return 0;
  const { atMs, isPresent, away } = heartbeat;
  if (away && window.afterUs < away.untilMs * usPerMs) return away.fromMs * usPerMs;
  return Math.max(atMs * usPerMs, isPresent ? nowUs - surelyMs * usPerMs : 0);
}

/** The times of windows as an account is asked for them: what came after each. */
export function timesOf(windows: readonly Window[]): number[] {
  return windows.flatMap(({ afterUs, untilUs }) => [afterUs, untilUs]);
}

/** The most that one of these windows holds: of each node, what it answered to `timesOf`, and until when it counts. */
export function fullestOf(
  windows: readonly Window[],
  nodes: readonly { admittedAfter: readonly number[]; countedUntilUs: (window: Window) => number }[],
): number {
  const inWindow = (window: Window, at: number) =>
    nodes.reduce((sum, { admittedAfter, countedUntilUs }) => {
      const untilUs = Math.min(window.untilUs, countedUntilUs(window));
      // What is asked about are the windows' ends: the latest of them at which it surely counted.
      const end = windows.findIndex((other, i) => i >= at && other.untilUs <= untilUs);
      if (end === -1) return sum;
      return sum + Math.max(0, (admittedAfter[2 * at] ?? 0) - (admittedAfter[2 * end + 1] ?? 0));
    }, 0);
  return Math.max(0, ...windows.map(inWindow));
}
