/** JSON as Go writes it: a bigint becomes a bare number of any length. `indent` as PD answers (two spaces, a newline at the end). */
export function encodeJson(value: unknown, indent?: "indent"): string {
  const text = JSON.stringify(
    value,
    (_key, member: unknown) => (typeof member === "bigint" ? `${mark}${member}${mark}` : member),
    indent === undefined ? undefined : 2,
  ).replace(marked, "$1");
  return indent === undefined ? text : `${text}\n`;
}

/** Stands around a bigint until its quotes are taken away; no name or text of a cluster holds it. */
const mark = "\u0001";
const marked = /"\\u0001(\d+)\\u0001"/g;

/** Parses JSON; a whole number that no JS number can hold stays exact, as a bigint. Throws a SyntaxError. */
export function decodeJson(text: string): unknown {
  return JSON.parse(text, (_key, value: unknown, context?: { source?: string }) =>
    typeof value === "number" && !Number.isSafeInteger(value) && /^\d+$/.test(context?.source ?? "")
      ? BigInt(context?.source ?? value)
      : value,
  );
}
