import { randomUUID } from "node:crypto";
import type { Bus } from "@operator/bus/bus";
import { ActionNote } from "@operator/contracts/action";
import { Command } from "@operator/contracts/command";
import { flow } from "@operator/contracts/flow";
import { afterAll, beforeAll, expect, test } from "vitest";
import { z } from "zod";
import { propose, step } from "../actuator.fixture.ts";
import { Loop } from "../cli.fixture.ts";
import { statementHash } from "../statement-hash.ts";

let loop: Loop;
let actuator: Bus;
const action = "ratelimiter.node_down.node-a.1.1.1";
beforeAll(async () => {
  loop = await Loop.start();
  actuator = await loop.as("actuator");
  const note = (given: Partial<ActionNote>) =>
    actuator.publish(
      flow.note,
      ActionNote.parse({ id: "n-1", kind: "mode_changed", atMs: 1, by: "ada", text: "", ...given }),
    );
  const proposed = await propose(actuator, { id: action });
  await (
    await loop.as("cli")
  ).publish(
    flow.command,
    Command.parse({
      id: randomUUID(),
      kind: "comment",
      subject: "ratelimiter",
      ticket: "ratelimiter.node_down.node-a.1",
      by: "grace",
      atMs: Date.now(),
      text: "is it \u001b[31mred\u001b[0m?",
    }),
  );
  await note({ id: "term-1", text: "execute, term 1" });
  await note({
    id: "ab".repeat(32),
    kind: "approval_refused",
    subject: proposed.subject,
    action,
    code: "KEY_UNKNOWN",
    text: "nobody's key",
    statement: '{"purpose":"approve_action"}',
    signature: "c2ln",
  });
  await step(actuator, proposed, "rejected", { by: "ada" });
  await propose(actuator, { id: "other.node_down.node-a.1.1.1" });
});
afterAll(() => loop[Symbol.asyncDispose]());

const Audit = z.object({ entries: z.array(z.looseObject({ what: z.string() })), more: z.number() });
const read = async (...argv: string[]) => Audit.parse(JSON.parse((await loop.run(["audit", ...argv, "--json"])).out));
const whats = async (...argv: string[]) => (await read(...argv)).entries.map(({ what }) => what);

test("actions, notes and people's words are one list by the bus's time", async () => {
  const all = ["proposed", "comment", "mode_changed", "approval_refused", "rejected", "proposed"];
  expect(await whats("list")).toEqual(all);
  expect(await read("list", "--limit", "2")).toMatchObject({ entries: [{ what: "rejected" }, {}], more: 4 });
  expect((await read("list")).entries[0], "what is listed is short").not.toHaveProperty("message");
  expect((await loop.run(["audit", "list", "--limit", "2"])).out).toMatch(/^4 more before: --limit 6\n/);
  expect(await whats("list", "--subject", "ratelimiter"), "a change of the mode is about all").toEqual(all.slice(0, 5));
  const later = { nowMs: () => Date.now() + 60_000 };
  expect((await loop.run(["audit", "list", "--since", "30s"], later)).out).toBe("Nothing was done or said.\n");
  expect(await whats("list", "--since", "1h")).toEqual(all);
});

test("everything about one action, with what was signed; text can't act on the terminal", async () => {
  const ended = await loop.run(["audit", "show", action]);
  expect(ended).toMatchObject({ code: 0, err: "" });
  for (const shown of ['{"purpose":"approve_action"}', "c2ln", "nobody's key (KEY_UNKNOWN) – ada", "ACTIONS 1"])
    expect(ended.out).toContain(shown);
  expect(await whats("show", action)).toEqual(["proposed", "approval_refused", "rejected"]);
  expect(await whats("show", "ratelimiter.node_down.node-a")).toContain("comment");
  const words = (await loop.run(["audit", "list"])).out;
  expect(words).toContain(String.raw`is it \x1b[31mred`);
  const hash = statementHash('{"purpose":"approve_action"}');
  expect(await whats("show", hash), "by what was signed").toEqual(["approval_refused"]);
});

test("what nothing is about is said", async () => {
  expect(await loop.run(["audit", "show", "node-z"])).toMatchObject({
    code: 66,
    err: expect.stringContaining("AUDIT_UNKNOWN"),
  });
  expect(await loop.run(["audit", "list", "--since", "yesterday"])).toMatchObject({ code: 64 });
});
