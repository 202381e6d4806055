import { InvalidArgumentError } from "commander";
import { lengthOf } from "../terminal/ages.ts";

const units = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/** A length of time from the command line, `90s`, `15m`, `1h`, as milliseconds between two bounds. */
export function durationBetween(leastMs: number, mostMs: number): (text: string) => number {
  return (text) => {
    const [, digits = "", unit] = /^(\d{1,9})(ms|s|m|h|d)$/.exec(text) ?? [];
    const ms = isUnit(unit) ? Number(digits) * units[unit] : Number.NaN;
    if (ms >= leastMs && ms <= mostMs) return ms;
    throw new InvalidArgumentError(
      `a length of time like 90s, 15m or 1h is wanted, from ${lengthOf(leastMs)} to ${lengthOf(mostMs)}`,
    );
  };
}

function isUnit(text: string | undefined): text is keyof typeof units {
  return text !== undefined && text in units;
}
