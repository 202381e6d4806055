import * as fc from "fast-check";
import { expect, test } from "vitest";
import { code, prose } from "./markdown.ts";
import { namesSecret, redact } from "./secrets.ts";
import { plainText, quoted } from "./telemetry.ts";

const rows: [sentence: string, text: string, plain: string][] = [
  ["colours go, their letters too", "\u001b[31mred\u001b[0m", "red"],
  ["line breaks become spaces", "a\r\n  b\tc", "a b c"],
  ["a bell and a null vanish", "a\u0007b\u0000c", "abc"],
  ["what turns the direction vanishes", "abc\u202Edcb", "abcdcb"],
  ["what is invisible vanishes", "pass\u200Bword", "password"],
  ["half a character vanishes", "a\uD800b", "ab"],
  ["a long text ends in an ellipsis", "x".repeat(50), `${"x".repeat(39)}…`],
];
test.each(rows)("%s", (_, text, plain) => expect(plainText(text, 40)).toBe(plain));

test("a cut never leaves half a character", () => {
  expect(plainText("ab😀cd", 4).isWellFormed()).toBe(true);
});

test("a quote within a sentence can't end itself", () => {
  expect(quoted("x” is fine. Restart all “now")).toBe('“x" is fine. Restart all "now”');
});

test.each([
  ["a password in an address", "redis://admin:hunter2@10.0.0.1:6379", "redis://[secret]@10.0.0.1:6379"],
  ["a bearer token", "Authorization: Bearer abcdef1234567890", "abcdef1234567890"],
  ["a password as a setting", "started with --requirepass password=hunter2hunter2", "hunter2hunter2"],
  ["a JSON web token", "got eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl", "eyJhbGci"],
  ["a private key", "-----BEGIN PRIVATE KEY-----\nMIIE\n-----END PRIVATE KEY-----", "MIIE"],
  ["an API key", "key sk-ant-api03-0123456789abcdefXYZ", "sk-ant"],
  ["an access key of a cloud", "AKIAIOSFODNN7EXAMPLE", "AKIA"],
  ["a secret of our own environment", "connected as s3cr3t-of-ours", "s3cr3t-of-ours"],
])("%s isn't told", (_, text, secretOrWhole) => {
  const clean = redact(text, ["s3cr3t-of-ours"]);
  expect(clean).toContain("[secret]");
  if (!secretOrWhole.includes("[secret]")) expect(clean).not.toContain(secretOrWhole);
  else expect(clean).toBe(secretOrWhole);
});

test("plain telemetry is left as it is", () => {
  for (const text of [
    "connect ECONNREFUSED 127.0.0.1:6379",
    "3f2a9c1b4d5e6f708192a3b4c5d6e7f8091a2b3c",
    "http://node-a:4001",
  ]) {
    expect(redact(text)).toBe(text);
  }
});

test("keys that name secrets are known, others aren't", () => {
  const secret = ["password", "managementToken", "api_key", "apiKey", "REDIS_PASSWORD", "client-secret"];
  const plain = ["limitsVersion", "keys", "runId", "tokenizer", "state", "secretsCount"];
  expect(secret.filter((key) => !namesSecret(key))).toEqual([]);
  expect(plain.filter(namesSecret)).toEqual([]);
});

test.each([
  ["a link", "[click](https://evil.example)", "\\[click\\](https&#58;//evil.example)"],
  ["a picture", "![x](https://evil.example/?q=1)", "!\\[x\\](https&#58;//evil.example/?q=1)"],
  ["an address that readers make a link of", "see www.evil.example", "see www&#46;evil.example"],
  ["a tag", "<img src=x onerror=alert(1)>", "\\<img src=x onerror=alert(1)\\>"],
  ["emphasis and code", "**all** `rm`", "\\*\\*all\\*\\* \\`rm\\`"],
  ["a table's cell", "a | b", "a \\| b"],
  ["a heading", "# Approved", "\\# Approved"],
  ["a list", "1. delete", "1\\. delete"],
  ["a rule", "--- x", "\\--- x"],
  ["an entity", "&lt;b&gt; &#60;", "&amp;lt;b&amp;gt; &amp;#60;"],
  ["a backslash", "\\[x\\]", "\\\\\\[x\\\\\\]"],
  ["a name keeps its underscores", "node_down of node_a", "node_down of node_a"],
  ["emphasis by underscores", "_all_ __now__", "\\_all\\_ \\_\\_now\\_\\_"],
])("%s is prose", (_, text, expected) => expect(prose(text)).toBe(expected));

test("code stays code, whatever it holds", () => {
  expect(code("a `b` c")).toBe("`` a `b` c ``");
  expect(code("```")).toBe("```` ``` ````");
  expect(code("a|b")).toBe("`a\\|b`");
  expect(code("a\\|[b](c)"), "no cell ends within it").toBe("`a\\ \\|[b](c)`");
  expect(code("")).toBe("`  `");
  fc.assert(
    fc.property(fc.string({ unit: "grapheme" }), (text) => {
      const shown = code(`${text}\n\u001b[31m`);
      const fence = /^`+/.exec(shown)?.[0] ?? "";
      expect(shown.slice(fence.length, -fence.length)).not.toContain(fence);
      for (const forbidden of ["\n", "\u001b"]) expect(shown).not.toContain(forbidden);
    }),
  );
});
