import type { Control, InFlight } from "@operator/contracts/control";
import { timeOf } from "../terminal/ages.ts";
import { entry, type Line, paragraph, span } from "../terminal/page.ts";

/** As far as the command can tell: `known` says whether the signature was checked. */
export interface Validity {
  mode: "observe" | "execute";
  /** Why `execute` doesn't count, though it's written. */
  code?: string;
  text: string;
  untilMs?: number;
  checked: boolean;
}

/** The mode as it's written, what it comes to, and what is in flight. */
export function controlPage(control: Control, validity: Validity, nowMs: number, columns: number): Line[] {
  const line = (name: string, text: string) => entry(name, text, columns);
  const style = validity.mode === "execute" ? "warn" : "good";
  return [
    [span(validity.mode === "execute" ? "▶ execute" : "✓ observe", style), `  ${validity.text}`],
    ...line("written", `${control.mode}, term ${control.term}`),
    ...line("by", `${control.by}${control.atMs === 0 ? "" : `, ${timeOf(control.atMs, nowMs)}`}`),
    ...line("reason", control.reason),
    ...(validity.untilMs === undefined ? [] : line("until", timeOf(validity.untilMs, nowMs))),
    ...inFlightLines(Object.values(control.inFlight), nowMs, columns),
  ];
}

/** What was claimed and isn't settled. */
export function inFlightLines(claims: readonly InFlight[], nowMs: number, columns: number): Line[] {
  if (claims.length === 0) return entry("in flight", "nothing", columns);
  return claims.flatMap(({ action, by, claimedAtMs, untilMs }, at) =>
    entry(
      at === 0 ? "in flight" : "",
      `${action}, claimed by ${by} ${timeOf(claimedAtMs, nowMs)}; it may be taking effect (its claim ends ${timeOf(untilMs, nowMs)})`,
      columns,
      "warn",
    ),
  );
}

/** What the kill switch has reached at the moment of its acknowledged write, and what it hasn't. */
export function acknowledgedLines(
  {
    tookMs,
    conflicts,
    control,
    wasReadable,
  }: { tookMs: number; conflicts: number; control: Control; wasReadable: boolean },
  nowMs: number,
  columns: number,
): Line[] {
  const contended = conflicts === 0 ? "" : ` (${conflicts} other writes came first)`;
  const claims = Object.values(control.inFlight);
  return [
    [
      span(`✓ acknowledged after ${tookMs} ms`, "good"),
      `: no action can be claimed from now on, term ${control.term}${contended}`,
    ],
    ...inFlightLines(claims, nowMs, columns),
    ...(wasReadable
      ? []
      : paragraph(
          "what stood there couldn't be read, so what was in flight isn't known: look at the subject",
          columns,
          2,
          "bad",
        )),
    ...(claims.length === 0 && wasReadable ? [nothingCanBegin()] : []),
  ];
}

export function nothingCanBegin(): Line {
  return [span("✓ settled", "good"), ": nothing can begin"];
}
