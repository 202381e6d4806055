import { chmodSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { readApprovers } from "@operator/approval/approvers-file";
import { readPrivateKey } from "@operator/approval/keys";
import { afterEach, beforeEach, expect, test } from "vitest";
import { Desk } from "../cli.fixture.ts";

let desk: Desk;
beforeEach(() => {
  desk = new Desk();
});
afterEach(() => desk[Symbol.dispose]());

const inDesk = (name: string) => join(desk.root, ".operator", name);
const make = (...argv: string[]) => desk.run(["keys", "new", ...argv]);

test("a key is two files that only their owner can read, and says what is for whom", async () => {
  const ended = await make("--name", "ada", "--risks", "low,medium", "--mode");
  expect(ended).toMatchObject({ code: 0, err: "" });
  for (const said of ["for ada alone", "OPERATOR_APPROVERS_FILE", "risk low, medium; that actions are executed at all"])
    expect(ended.out.replaceAll(/\s+/g, " ")).toContain(said);
  const { key, publicKey } = readPrivateKey(readFileSync(inDesk("ada.pem"), "utf8"));
  expect(readApprovers(inDesk("approvers.json"))).toEqual([
    { key, name: "ada", risks: ["low", "medium"], mode: true, publicKey },
  ]);
  for (const file of ["ada.pem", "approvers.json"]) expect(statSync(inDesk(file)).mode & 0o777, file).toBe(0o600);
  expect(JSON.stringify(ended)).not.toContain("PRIVATE KEY");
});

test("alone a key may approve low risks, and not change the mode; the list tells who may what", async () => {
  await make("--name", "ada");
  await make("--name", "grace", "--mode");
  expect(JSON.parse((await desk.run(["keys", "list", "--json"])).out)).toMatchObject({
    approvers: [
      { name: "ada", risks: ["low"], mode: false },
      { name: "grace", risks: ["low"], mode: true },
    ],
  });
  expect((await desk.run(["keys", "list"])).out).toMatch(/ada +risk low\n.*grace +risk low; that actions/);
});

test("no key is overwritten, and no name stands for two", async () => {
  await make("--name", "ada");
  const before = readFileSync(inDesk("ada.pem"), "utf8");
  expect(await make("--name", "ada")).toMatchObject({ code: 73, err: expect.stringContaining("ada.pem") });
  expect(readFileSync(inDesk("ada.pem"), "utf8")).toBe(before);
  // The private half is elsewhere, as it should be: its name is still taken.
  writeFileSync(inDesk("approvers.json"), readFileSync(inDesk("approvers.json"), "utf8").replace("ada", "grace"));
  const ended = await make("--name", "grace", "--json");
  expect(ended.code).toBe(73);
  expect(JSON.parse(ended.err)).toMatchObject({ error: { code: "APPROVER_EXISTS" } });
  expect(() => statSync(inDesk("grace.pem")), "a key without an approver").toThrow("ENOENT");
});

test("an approvers' file that others can write is refused, and so is none", async () => {
  expect(await desk.run(["keys", "list"])).toMatchObject({ code: 78, err: expect.stringContaining("there is no") });
  await make("--name", "ada");
  chmodSync(inDesk("approvers.json"), 0o666);
  expect(await desk.run(["keys", "list"])).toMatchObject({ code: 78, err: expect.stringContaining("EXPOSED") });
});

test.for([
  ["--name", "../eve"],
  ["--name", ""],
  ["--name", "ada", "--risks", "low,huge"],
])("%j is refused, with what is wanted", async (argv) => {
  expect(await make(...argv)).toMatchObject({ code: 64, err: expect.stringMatching(/wanted/) });
});
