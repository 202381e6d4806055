import type { Judgement } from "@operator/subject/invariant";
import type { ProbeReading } from "@operator/subject/probe";
import { pointersTo } from "./invariant-pointers.ts";

/** What the probe says of a member. `also`: what others say of it, as the end of a sentence. */
export function judgeProbe(
  reading: ProbeReading | undefined,
  target: string,
  atMs: number,
  also: { says: string; pointers: string[] } = { says: "", pointers: [] },
): Judgement {
  if (!reading) return { verdict: "unknown", reason: `${target} was never probed` };
  const { state: value, code } = reading;
  const pointers = [...pointersTo("probe", target, "state", "sinceMs", "lastAnswerAtMs", "code"), ...also.pointers];
  if (value === "up") return { verdict: "ok", reason: `${target} answers${also.says}`, value, pointers };
  const silentMs = Math.max(0, atMs - (reading.lastAnswerAtMs ?? reading.sinceMs));
  const how = value === "refused" ? `refuses connections${code === undefined ? "" : ` (${code})`}` : "doesn't answer";
  return {
    verdict: "violated",
    reason: `${target} ${how}; last answer ${(silentMs / 1_000).toFixed(1)} s ago${also.says}`,
    value,
    detail: { kind: "unreachable", how: value, silentMs },
    pointers,
  };
}
