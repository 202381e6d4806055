import { ActionStatement, ModeStatement } from "@operator/contracts/approval";
import { describe, expect, test } from "vitest";
import { canonical } from "./canonical.ts";
import { type Approver, newKey, readPrivateKey } from "./keys.ts";
import { actionMsMax, sign, statementMsMax, verify } from "./sign.ts";

const nowMs = 1_795_000_000_000;
const ada = newKey();
const { privateKey } = readPrivateKey(ada.privatePem);
const approver: Approver = { key: ada.key, name: "ada", risks: ["low"], mode: true, publicKey: ada.publicKey };
const statement = ActionStatement.parse({
  purpose: "approve_action",
  action: "ratelimiter.node_down.node-a.1.1.1",
  subject: "ratelimiter",
  kind: "restart_node",
  target: "node-a",
  parameters: { b: 1, a: ["é", { y: null, x: true }] },
  evidence: "0".repeat(64),
  term: 3,
  key: ada.key,
  issuedAtMs: nowMs,
  expiresAtMs: nowMs + 900_000,
});
const signed = sign(statement, privateKey);
const check = (given: typeof signed, approvers = [approver], atMs = nowMs) =>
  verify(given, ActionStatement, approvers, atMs);
const codeOf = (result: ReturnType<typeof check>) => (result.ok ? "accepted" : result.refused.code);

test("what was signed is accepted, with who signed it", () => {
  expect(check(signed)).toEqual({ ok: true, statement, approver });
});

test("canonical JSON is one text for one value", () => {
  expect(canonical({ b: 1, a: ["é", { y: null, x: true }], "10": 1e21 })).toBe(
    '{"10":1e+21,"a":["é",{"x":true,"y":null}],"b":1}',
  );
});

describe("refused", () => {
  const other = newKey();
  const resign = (changes: Partial<ActionStatement>) => sign({ ...statement, ...changes }, privateKey);
  test.for<[string, ReturnType<typeof check>, string]>([
    ["no JSON", check({ ...signed, statement: "{" }), "STATEMENT_MALFORMED"],
    ["a field too many", check({ ...signed, statement: `{"x":1,${signed.statement.slice(1)}` }), "STATEMENT_MALFORMED"],
    ["spaces that weren't signed", check({ ...signed, statement: `${signed.statement} ` }), "STATEMENT_MALFORMED"],
    ["another purpose", check(sign(mode(), privateKey)), "STATEMENT_MALFORMED"],
    ["a key that isn't known", check(signed, []), "KEY_UNKNOWN"],
    [
      "a file that pairs an id with another's key",
      check(signed, [{ ...approver, publicKey: other.publicKey }]),
      "KEY_UNKNOWN",
    ],
    ["another's signature", check(sign(statement, readPrivateKey(other.privatePem).privateKey)), "SIGNATURE_INVALID"],
    [
      "other parameters",
      check({ ...signed, statement: signed.statement.replace('"b":1', '"b":2') }),
      "SIGNATURE_INVALID",
    ],
    ["an empty signature", check({ ...signed, signature: "" }), "SIGNATURE_INVALID"],
    ["expired", check(signed, [approver], statement.expiresAtMs), "STATEMENT_EXPIRED"],
    [
      "for longer than a word about an action holds",
      check(resign({ expiresAtMs: nowMs + actionMsMax + 1 })),
      "STATEMENT_EXPIRED",
    ],
    ["from the future", check(resign({ issuedAtMs: nowMs + 60_000 })), "STATEMENT_FROM_FUTURE"],
  ])("%s", ([, result, code]) => {
    expect(codeOf(result)).toBe(code);
  });
});

test("the statement of a mode is accepted as such and as nothing else, and holds for 8 h at most", () => {
  const long = { ...mode(), expiresAtMs: nowMs + statementMsMax };
  const tooLong = { ...mode(), expiresAtMs: nowMs + statementMsMax + 1 };
  expect(verify(sign(long, privateKey), ModeStatement, [approver], nowMs)).toMatchObject({ ok: true });
  expect(verify(sign(tooLong, privateKey), ModeStatement, [approver], nowMs)).toMatchObject({
    refused: { code: "STATEMENT_EXPIRED" },
  });
  expect(verify(sign(mode(), privateKey), ModeStatement, [approver], nowMs)).toMatchObject({ ok: true });
  expect(verify(signed, ModeStatement, [approver], nowMs)).toMatchObject({ refused: { code: "STATEMENT_MALFORMED" } });
});

test("a private key that isn't Ed25519 is refused", () => {
  expect(() => readPrivateKey("nonsense")).toThrow();
});

function mode(): ModeStatement {
  return ModeStatement.parse({
    purpose: "execute_mode",
    term: 3,
    key: ada.key,
    issuedAtMs: nowMs,
    expiresAtMs: nowMs + 900_000,
  });
}
