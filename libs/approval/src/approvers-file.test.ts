import { chmodSync, existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { addApprover, readApprovers } from "./approvers-file.ts";
import { type Approver, newKey } from "./keys.ts";

let folder: string;
let file: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "operator-approvers-"));
  file = join(folder, "approvers.json");
});
afterEach(() => rmSync(folder, { recursive: true }));

const approverOf = (name: string): Approver => {
  const { key, publicKey } = newKey();
  return { key, name, risks: ["low"], mode: false, publicKey };
};
const code = (expected: string): unknown => expect.objectContaining({ code: expected });

test("approvers are added one by one, and only the file's owner can read it", () => {
  const [ada, grace] = [approverOf("ada"), approverOf("grace")];
  addApprover(file, ada);
  addApprover(file, grace);
  expect(readApprovers(file)).toEqual([ada, grace]);
  expect(statSync(file).mode & 0o777).toBe(0o600);
});

test("a name stands for one key: the audit names people", () => {
  const ada = approverOf("ada");
  addApprover(file, ada);
  expect(() => addApprover(file, approverOf("ada"))).toThrow(code("APPROVER_EXISTS"));
  expect(() => addApprover(file, { ...ada, name: "other" })).toThrow(code("APPROVER_EXISTS"));
  expect(readApprovers(file)).toEqual([ada]);
  expect(existsSync(`${file}.draft`), "the draft of what was refused").toBe(false);
});

test("a file that others can write is refused: they could have added themselves", () => {
  addApprover(file, approverOf("ada"));
  for (const mode of [0o620, 0o602]) {
    chmodSync(file, mode);
    expect(() => readApprovers(file)).toThrow(code("APPROVERS_EXPOSED"));
    expect(() => addApprover(file, approverOf("eve"))).toThrow(code("APPROVERS_EXPOSED"));
  }
});

test("no file, no JSON, and what isn't a list of approvers are told apart", () => {
  expect(() => readApprovers(file)).toThrow(code("APPROVERS_MISSING"));
  for (const content of ["{", '{"approvers":[{"name":"ada"}]}', '{"approvers":[],"more":1}']) {
    writeFileSync(file, content, { mode: 0o600 });
    expect(() => readApprovers(file)).toThrow(code("APPROVERS_UNREADABLE"));
  }
});

test("who adds while another does is refused, and nothing is lost", () => {
  const ada = approverOf("ada");
  addApprover(file, ada);
  writeFileSync(`${file}.draft`, "");
  expect(() => addApprover(file, approverOf("grace"))).toThrow(code("APPROVERS_UNREADABLE"));
  expect(readApprovers(file)).toEqual([ada]);
  expect(existsSync(`${file}.draft`), "the other's draft").toBe(true);
});
