/**
 * One token of a NATS address or KV key for any text: bytes outside `[A-Za-z0-9_-]` become `=HH`, nothing becomes `=00`.
 * Client libraries refuse `:`, spaces and dots in keys, and a dot in a token would be a second token.
 */
export function toToken(text: string): string {
  if (text === "") return "=00";
  const escape = (part: string) =>
    [...new TextEncoder().encode(part)].map((byte) => `=${byte.toString(16).toUpperCase().padStart(2, "0")}`).join("");
  // With the `u` flag a match is a whole code point, so a surrogate pair is encoded as one character.
  return text.replace(/[^A-Za-z0-9_-]/gu, escape);
}

/** The text that `toToken` made this token of. */
export function fromToken(token: string): string {
  if (token === "=00") return "";
  // Nearly every name is plain, and a ticket's address is read with each of its messages.
  if (!token.includes("=")) return token;
  const bytes: number[] = [];
  for (const [, hex, plain] of token.matchAll(/=([0-9A-F]{2})|([\s\S])/gu)) {
    if (hex !== undefined) bytes.push(Number.parseInt(hex, 16));
    else bytes.push(...new TextEncoder().encode(plain));
  }
  return new TextDecoder().decode(Uint8Array.from(bytes));
}
