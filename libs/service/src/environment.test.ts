import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { withSecretFiles } from "./environment.ts";

const folder = mkdtempSync(join(tmpdir(), "operator-environment-"));
afterAll(() => rmSync(folder, { recursive: true }));
const file = join(folder, "password");
writeFileSync(file, "from-file\n");

test("a secret's file gives its value, without the end of the line", () => {
  expect(withSecretFiles({ OPERATOR_NATS_PASSWORD_FILE: file })["OPERATOR_NATS_PASSWORD"]).toBe("from-file");
});

test("the variable itself comes first, and an empty one is none", () => {
  const both = (own: string) => withSecretFiles({ OPERATOR_NATS_PASSWORD: own, OPERATOR_NATS_PASSWORD_FILE: file });
  expect(both("own")["OPERATOR_NATS_PASSWORD"]).toBe("own");
  expect(both("")["OPERATOR_NATS_PASSWORD"]).toBe("from-file");
});

test("a file of what is no secret is a file's name and nothing else", () => {
  const given = { OPERATOR_APPROVERS_FILE: file, OPERATOR_POLICY_FILE: file };
  expect(withSecretFiles(given)).toEqual(given);
});

test("a file that isn't there leaves the secret absent", () => {
  const given = { RATELIMITER_MANAGEMENT_TOKEN_FILE: join(folder, "none") };
  expect(withSecretFiles(given)).toEqual(given);
});
