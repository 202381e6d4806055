import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { flow } from "@operator/contracts/flow";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Loop, until } from "./cli.fixture.ts";
import { verdicts } from "./samples.fixture.ts";

// The command as a process of its own, as people start it.
let loop: Loop;
const started: ChildProcess[] = [];
beforeAll(async () => {
  loop = await Loop.start();
  await (await loop.as("checker")).publish(flow.verdicts, verdicts());
});
afterAll(async () => {
  for (const child of started) child.kill("SIGKILL");
  await loop[Symbol.asyncDispose]();
});

function start(...argv: string[]) {
  const env = { ...process.env, NO_COLOR: "1", OPERATOR_NATS_PASSWORD: loop.nats.passwords.cli };
  const child = spawn(process.execPath, [join(import.meta.dirname, "main.ts"), ...argv, "--server", loop.nats.url], {
    env,
  });
  started.push(child);
  const said = { out: "", err: "" };
  child.stdout.setEncoding("utf8").on("data", (text: string) => (said.out += text));
  child.stderr.setEncoding("utf8").on("data", (text: string) => (said.err += text));
  return { child, said, ended: once(child, "close").then(([code]: (number | null)[]) => code) };
}

test("it says what it says, ends by itself, and its exit code is the failure's", async () => {
  const well = start("status", "--subject", "ratelimiter");
  expect(await well.ended).toBe(0);
  expect(well.said.out).toContain("2 firing");
  expect(well.said.err).toBe("");
  const missing = start("tickets", "show", "nobody.knows");
  expect(await missing.ended).toBe(66);
  expect(missing.said).toEqual({ out: "", err: expect.stringContaining("[TICKET_UNKNOWN]") });
});

test("Ctrl-C ends what is watched, well and at once", async () => {
  const watching = start("status", "--watch", "--json", "--subject", "ratelimiter");
  await until("a document", () => watching.said.out.includes("\n") || undefined);
  watching.child.kill("SIGINT");
  expect(await watching.ended).toBe(0);
  expect(watching.said.err).toBe("");
});

test("a reader that has read enough is no failure", async () => {
  const watching = start("status", "--watch", "--json", "--subject", "ratelimiter");
  await until("a document", () => watching.said.out.includes("\n") || undefined);
  watching.child.stdout.destroy();
  expect(await watching.ended).toBe(0);
  expect(watching.said.err).toBe("");
});
