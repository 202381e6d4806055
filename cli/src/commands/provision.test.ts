import { chmodSync, readFileSync, statSync } from "node:fs";
import { userNames } from "@operator/bus/permissions";
import { afterAll, beforeAll, expect, test } from "vitest";
import { z } from "zod";
import { Desk, Loop } from "../cli.fixture.ts";

let loop: Loop;
beforeAll(async () => {
  loop = await Loop.start({ isProvisioned: false });
});
afterAll(async () => {
  await loop[Symbol.asyncDispose]();
});

const Items = z.object({ items: z.array(z.object({ kind: z.string(), name: z.string(), outcome: z.string() })) });

test("a bus without streams is said to be one, by every command; provision makes them, and again changes nothing", async () => {
  for (const argv of [["status"], ["tickets", "list"], ["snapshots", "show"], ["dead-letters", "list"]]) {
    const ended = await loop.run(argv);
    expect(ended, argv.join(" ")).toMatchObject({ code: 69, out: "" });
    expect(ended.err.replaceAll("\n", " ")).toContain("make the streams by `operator provision` [BUS_INCOMPLETE]");
  }
  const sick = await loop.run(["doctor"]);
  expect(sick.code).toBe(5);
  expect(sick.out).toMatch(/✖ fail {2}streams +missing: SNAPSHOTS, VERDICTS/);

  const first = Items.parse(JSON.parse((await loop.run(["provision", "--json"])).out)).items;
  expect(new Set(first.map(({ outcome }) => outcome))).toEqual(new Set(["made"]));
  expect(new Set(first.map(({ kind }) => kind))).toEqual(new Set(["stream", "bucket", "worker"]));
  const second = await loop.run(["provision"]);
  expect(second).toMatchObject({ code: 0, err: "" });
  expect(second.out).toMatch(/^✓ unchanged {2}stream {2}SNAPSHOTS$/m);
  expect(second.out).not.toMatch(/made|changed {3}/);
  expect((await loop.run(["status"])).code).toBe(0);
});

test("what differs from the plan is brought back; what the server won't change is an error that says so", async () => {
  const { streams } = (await loop.as("provision")).link.api;
  await streams.update("DEAD", { max_bytes: 1024 * 1024 });
  const doctor = await loop.run(["doctor"], { columns: 200 });
  expect(doctor.code).toBe(0);
  expect(doctor.out).toMatch(/! warn {2}streams +not as planned: DEAD \(max_bytes is 1048576, asked was \d+\)/);
  const changed = await loop.run(["provision"]);
  expect(changed.out).toMatch(/^✓ changed {4}stream {2}DEAD\n +max_bytes is 1048576, now \d+$/m);
  expect((await loop.run(["provision"])).out).not.toContain("✓ changed");

  await streams.delete("DEAD");
  await streams.add({ name: "DEAD", subjects: ["operator.dead.*.*"], retention: "workqueue" });
  const refused = await loop.run(["provision"]);
  expect(refused).toMatchObject({ code: 5, out: "" });
  expect(refused.err).toContain("[BUS_DIFFERS]");
  await streams.delete("DEAD");
  expect((await loop.run(["provision"])).out).toMatch(/^✓ made {7}stream {2}DEAD$/m);
});

test("the users' configuration: passwords are drawn once, kept by the owner alone, and never printed elsewhere", async () => {
  using desk = new Desk();
  const file = `${desk.root}/passwords.json`;
  desk.write(file, { cli: "given by hand" });
  chmodSync(file, 0o644);
  const first = await desk.run(["provision", "--server-config", "--passwords", file]);
  expect(first.code).toBe(0);
  expect(first.out).toMatch(/^authorization \{\n/);
  expect(first.out).toContain('user: cli, password: "given by hand"');
  const drawn = userNames.filter((user) => user !== "cli");
  expect(first.err).toBe(`drew passwords for ${drawn.join(", ")} into ${file}\n`);
  expect(statSync(file).mode & 0o777).toBe(0o600);
  const kept = readFileSync(file, "utf8");
  const second = await desk.run(["provision", "--server-config", "--passwords", file]);
  expect(second).toEqual({ code: 0, out: first.out, err: "" });
  expect(readFileSync(file, "utf8")).toBe(kept);
});

test.each([
  { why: "no file named", argv: [], content: undefined, says: "--server-config needs --passwords <file>" },
  { why: "a file that isn't JSON", argv: ["--passwords", "FILE"], content: "{cli: s3cret}", says: "isn't JSON" },
  {
    why: "a user that isn't one",
    argv: ["--passwords", "FILE"],
    content: { clii: "s3cret" },
    says: "isn't as expected",
  },
  { why: "a password that is none", argv: ["--passwords", "FILE"], content: { cli: { of: "s3cret" } }, says: "cli: " },
  { why: "a folder", argv: ["--passwords", "ROOT"], content: undefined, says: "can't be read" },
])("the users' configuration is refused, and no password quoted: $why", async ({ argv, content, says }) => {
  using desk = new Desk();
  const file = `${desk.root}/passwords.json`;
  if (content !== undefined) desk.write(file, content);
  const named = argv.map((word) => word.replace("FILE", file).replace("ROOT", desk.root));
  const ended = await desk.run(["provision", "--server-config", ...named]);
  expect(ended.code).not.toBe(0);
  expect(ended.out).toBe("");
  expect(ended.err.replaceAll("\n", " ")).toContain(says);
  expect(ended.err).not.toContain("s3cret");
});

test("the password of provision may come from that file", async () => {
  const file = `${loop.desk.root}/passwords.json`;
  loop.desk.write(file, loop.nats.passwords);
  using bare = new Desk();
  const ended = await bare.run(["provision", "--server", loop.nats.url, "--passwords", file]);
  expect(ended).toMatchObject({ code: 0, err: "" });
});
