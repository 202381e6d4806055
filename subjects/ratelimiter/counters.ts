import type { CountersReading } from "./state.ts";

const toleratedMin = 2;
const toleratedShare = 0.02;

/** How far Redis' log of a key and the nodes' accounts are apart, beyond what unanswered questions explain. */
export interface Drift {
  /** Above 0: hits in Redis that no node admitted. Below: admissions that Redis has no hit of. */
  hits: number;
  /** So much says nothing: two hits, or 2 % of the limit. */
  tolerated: number;
  /** Certain: what can't be compared couldn't make up for it. */
  isCertain: boolean;
}

/** What a reading shows of drift. Pure. */
export function driftOf(reading: CountersReading): Drift {
  const { inRedis, admitted, unsettled, applied, silent } = reading;
  const most = admitted + unsettled;
  const hits = inRedis > most ? inRedis - most : Math.min(0, inRedis - admitted);
  const limit = Math.max(0, ...applied.map((one) => one.limit));
  const tolerated = Math.max(toleratedMin, Math.ceil(limit * toleratedShare));
  // A node that says nothing may have admitted what others didn't; it can't have logged what Redis lacks.
  const isCertain = Math.abs(hits) > tolerated && (hits < 0 || silent.length === 0);
  return { hits, tolerated, isCertain };
}
