declare global {
  interface JSON {
    /** In V8, not yet in TypeScript's library. */
    rawJSON(text: string): unknown;
  }
}

/** A uint64 as Go writes it into JSON: a bare number, longer than a JS number can hold. */
export function uint64(value: bigint): unknown {
  return JSON.rawJSON(String(value));
}

/** As PD answers: two spaces of indent, a newline at the end. */
export function indentedJson(value: unknown): string {
  return `${JSON.stringify(value, undefined, 2)}\n`;
}

/** Parses JSON; a whole number that no JS number can hold stays exact, as a bigint. Throws a SyntaxError. */
export function decodeJson(text: string): unknown {
  return JSON.parse(text, (_key, value: unknown, context?: { source?: string }) =>
    typeof value === "number" && !Number.isSafeInteger(value) && /^\d+$/.test(context?.source ?? "")
      ? BigInt(context?.source ?? value)
      : value,
  );
}
