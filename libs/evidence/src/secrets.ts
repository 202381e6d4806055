/** What looks like a secret in a text. Each shape keeps its beginning out of the match where that says what it is. */
const shapes = [
  /(?<=:\/\/)[^\s/@:]*:[^\s/@]+(?=@)/g, // userinfo of a URL
  /(?<=\b(?:bearer|basic)\s+)[\w+/.=~-]{8,}/gi,
  /(?<=\b(?:password|passwd|pwd|secret|token|api[_-]?key|authorization)["']?\s*[=:]\s*["']?)[^\s"',;&]{4,}/gi,
  /-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)/g,
  /\beyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*/g, // JSON web token
  /\bsk-[\w-]{16,}/g,
  /\b(?:AKIA|ASIA)[A-Z0-9]{16}\b/g,
  /\bgh[pousr]_\w{20,}/g,
];

const secretKey = /(?:^|[_-])(?:password|passwd|secret|token|api_?key|authorization|credentials?)$/;

/** The text with what looks like a secret replaced by `[secret]`. `known` are secrets of the caller's own environment. */
export function redact(text: string, known: readonly string[] = []): string {
  let clean = text;
  for (const secret of known) if (secret.length >= 8) clean = clean.replaceAll(secret, "[secret]");
  for (const shape of shapes) clean = clean.replace(shape, "[secret]");
  return clean;
}

/** Does a key of a document name a secret, e.g. `managementToken`, `api_key`? */
export function namesSecret(key: string): boolean {
  return secretKey.test(key.replace(/([a-z0-9])([A-Z])/g, "$1_$2").toLowerCase());
}
