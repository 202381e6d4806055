import type { Silence } from "@operator/contracts/silence";
import { agoOf, timeOf } from "../terminal/ages.ts";
import { type Line, paragraph, span, table } from "../terminal/page.ts";

/** Silences, each a row with, below, whose word it is and why. */
export function silenceList(silences: readonly Silence[], nowMs: number, columns: number): Line[] {
  if (silences.length === 0) return [["Nothing is silenced."]];
  const [titles = [], ...rows] = table(
    [{ title: "SILENCE" }, { title: "TARGET", atLeast: 16 }, { title: "INVARIANT" }, { title: "ENDS" }],
    silences.map(({ id, subject, target, invariant, untilMs }) => [
      span(id, "title"),
      `${target} of ${subject}`,
      invariant ?? "any",
      agoOf(untilMs, nowMs),
    ]),
    columns,
  );
  return [
    titles,
    ...silences.flatMap(({ by, atMs, reason }, at) => [
      rows[at] ?? [],
      ...paragraph(`${by}, ${timeOf(atMs, nowMs)}: ${reason}`, columns, 4, "dim"),
    ]),
  ];
}
