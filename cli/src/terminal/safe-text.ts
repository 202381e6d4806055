/**
 * The same text with everything that could move a cursor, change a colour or reorder what is read made visible:
 * control characters, escape sequences, bidirectional overrides and lone surrogates become `\x1b`-like escapes.
 * Text from the bus is telemetry, and telemetry is hostile.
 */
export function safeText(text: string): string {
  return text.replace(dangerous, (character) => {
    const code = character.codePointAt(0) ?? 0;
    return code < 0x100 ? `\\x${code.toString(16).padStart(2, "0")}` : `\\u${code.toString(16).padStart(4, "0")}`;
  });
}

/** One line of JSON that a terminal can show as safely: the same value, the same characters written as `\u` escapes. */
export function safeJson(value: unknown, indent?: number): string {
  const json = JSON.stringify(value, undefined, indent) ?? "null";
  // Line ends of an indented document are ours: inside strings JSON has escaped them already.
  return json.replace(dangerous, (character) =>
    character === "\n" ? character : `\\u${(character.codePointAt(0) ?? 0).toString(16).padStart(4, "0")}`,
  );
}

// C0, DEL and C1 controls, soft and line separators, marks that reorder text or can't be seen, lone surrogates.
const dangerous = /[\p{Cc}\p{Cs}\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/gu;
