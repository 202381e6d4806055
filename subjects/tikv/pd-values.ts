import { z } from "zod";

const units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];

/** PD's rounded sizes, e.g. `931.5GiB`, in bytes. */
export const PdBytes = z.string().transform((text, context) => {
  const [, number = "", unit = ""] = /^(\d+(?:\.\d+)?) ?([KMGTPE]?i?B)$/.exec(text) ?? [];
  const power = units.indexOf(unit);
  if (power >= 0) return Math.round(Number(number) * 1_024 ** power);
  context.addIssue(`"${text}" is no size of PD's, such as 931.5GiB`);
  return z.NEVER;
});

/** PD's configuration has its booleans as text; some versions as booleans. */
export const PdBoolean = z.union([z.boolean(), z.enum(["true", "false"]).transform((text) => text === "true")]);

/** Nanoseconds since 1970, a number or, as they're past 2^53, text; in milliseconds. What is before 1970 is Go's "never": absent. */
export const PdTimeNs = z.union([z.int(), z.string().regex(/^-?\d+$/)]).transform((ns) => {
  const ms = Number(BigInt(ns) / 1_000_000n);
  return ms > 0 ? ms : undefined;
});
