import { chmodSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { readApprovers } from "@operator/approval/approvers-file";
import { verify } from "@operator/approval/sign";
import type { Bus } from "@operator/bus/bus";
import { ActionStatement, type Approval } from "@operator/contracts/approval";
import { Control, controlAtFirst, controlKey } from "@operator/contracts/control";
import { flow } from "@operator/contracts/flow";
import { afterAll, beforeAll, expect, test } from "vitest";
import { z } from "zod";
import { answerApprovals, propose, step } from "../actuator.fixture.ts";
import { Loop, until } from "../cli.fixture.ts";

// The test speaks as the actuator, on a real bus, with the verifier that the actuator has.
let loop: Loop;
let actuator: Bus;
let folder: string;
let key: string;
beforeAll(async () => {
  loop = await Loop.start();
  actuator = await loop.as("actuator");
  folder = join(loop.desk.root, "keys");
  key = join(folder, "ada.pem");
  expect(await loop.run(["keys", "new", "--name", "ada", "--folder", folder])).toMatchObject({ code: 0, err: "" });
});
afterAll(() => loop[Symbol.asyncDispose]());

const run = (argv: string[], given: Parameters<Loop["run"]>[1] = {}) => loop.run(["actions", ...argv], given);
const idOf = (target: string) => `ratelimiter.node_down.${target}.1.1.1`;
const approvers = () => readApprovers(join(folder, "approvers.json"));

/** An actuator that answers, as long as the block lasts. */
function answering(known = approvers) {
  const stop = new AbortController();
  const heard: ActionStatement[] = [];
  const running = answerApprovals(actuator, {
    approvers: known,
    signal: stop.signal,
    heard: (statement) => heard.push(statement),
  });
  return {
    heard,
    async [Symbol.asyncDispose]() {
      stop.abort();
      await running;
    },
  };
}

async function lastApproval(id: string): Promise<Approval | undefined> {
  // Nobody but the actuator may read them.
  const address = `operator.approval.${id}`;
  return (await actuator.last(flow.approval, address))?.message;
}

test("actions are listed, those that are over only with --all; parts of an id fit one or are refused", async () => {
  const waiting = await propose(actuator, { id: idOf("list-a") });
  await step(actuator, await propose(actuator, { id: idOf("list-b") }), "expired");
  const List = z.object({ actions: z.array(z.object({ id: z.string() })), more: z.number() });
  const listed = async (...argv: string[]) =>
    List.parse(JSON.parse((await run(["list", "--json", ...argv])).out)).actions.map(({ id }) => id);
  expect(await listed()).toEqual([waiting.id]);
  expect(await listed("--all")).toEqual(expect.arrayContaining([idOf("list-a"), idOf("list-b")]));
  expect((await run(["list"])).out).toContain("restart_node list-a: it crashed");
  expect((await run(["list", "--all", "--limit", "1"])).out).toMatch(/and 1 more: --limit 2\n$/);

  const page = await run(["show", "list-a.1"]);
  expect(page).toMatchObject({ code: 0, err: "" });
  expect(page.out).toMatch(/^ratelimiter\.node_down\.list-a\.1\.1\.1\n\? proposed · risk low\n/);
  expect(page.out).toContain(`operator actions approve ${waiting.id} --key <file>`);
  expect(await run(["show", "node_down.lst-a.1.1.1"])).toMatchObject({
    code: 66,
    err: expect.stringContaining('did you mean "node_down.list-a.1.1.1"?'),
  });
  const ambiguous = await run(["approve", "node_down", "--key", key, "--json"]);
  expect(ambiguous).toMatchObject({ code: 64, out: "" });
  expect(JSON.parse(ambiguous.err)).toMatchObject({ error: { code: "ACTION_AMBIGUOUS" } });
});

test("an approval shows what is signed, and is exactly this action in this term, verifiable with the public half", async () => {
  const action = await propose(actuator, {
    id: idOf("sign"),
    proposal: { action: "set_limit", target: "sign", parameters: { b: 2, a: "x" }, why: "the limit is wrong" },
  });
  const bucket = await actuator.bucket("control", Control);
  await bucket.create(controlKey, { ...controlAtFirst, term: 7 });
  await using actuating = answering();
  const ended = await run(["approve", "sign.1.1.1", "--key", key, "--expires", "5m"]);
  expect(ended).toMatchObject({ code: 0, err: "" });
  for (const shown of ["set_limit", '{"b":2,"a":"x"}', "the limit is wrong", action.evidence, "accepted", "ada's word"])
    expect(ended.out).toContain(shown);
  const approval = await lastApproval(action.id);
  if (!approval) throw new Error("no approval was sent");
  const verified = verify(approval.signed, ActionStatement, approvers(), Date.now());
  if (!verified.ok) throw new Error(verified.refused.message);
  const { key: keyId, issuedAtMs, expiresAtMs, ...about } = verified.statement;
  expect(about).toEqual({
    purpose: "approve_action",
    action: action.id,
    subject: "ratelimiter",
    kind: "set_limit",
    target: "sign",
    parameters: { a: "x", b: 2 },
    evidence: action.evidence,
    term: 7,
  });
  expect(keyId).toBe(approvers()[0]?.key);
  expect(expiresAtMs - issuedAtMs).toBe(300_000);
  expect(actuating.heard).toEqual([verified.statement]);

  // Whatever is changed on its way, the signature isn't of that.
  for (const [field, value] of Object.entries({
    ...about,
    purpose: "cancel_action",
    action: idOf("other"),
    subject: "other",
    kind: "other",
    target: "other",
    parameters: { a: "x", b: 3 },
    evidence: "cd".repeat(32),
    term: 8,
    issuedAtMs: issuedAtMs + 1,
    expiresAtMs: expiresAtMs + 1,
  })) {
    const { statement, signature } = approval.signed;
    const forged = JSON.stringify({ ...JSON.parse(statement), [field]: value });
    const refused = verify({ statement: forged, signature }, ActionStatement, approvers(), Date.now());
    expect(refused, field).toMatchObject({ ok: false, refused: { code: "SIGNATURE_INVALID" } });
  }
});

test("reject and cancel are signed as such", async () => {
  await propose(actuator, { id: idOf("words") });
  await using actuating = answering();
  for (const word of ["reject", "cancel"]) {
    const ended = await run([word, idOf("words"), "--key", key, "--json"]);
    expect(ended).toMatchObject({ code: 0, err: "" });
    expect(JSON.parse(ended.out)).toMatchObject({ action: idOf("words"), purpose: `${word}_action`, by: "ada" });
  }
  expect(actuating.heard.map(({ purpose }) => purpose)).toEqual(["reject_action", "cancel_action"]);
});

test("a refusal ends with 3 and the actuator's code", async () => {
  await propose(actuator, { id: idOf("refused") });
  await using _ = answering(() => []);
  const ended = await run(["approve", idOf("refused"), "--key", key, "--json"]);
  expect(ended).toMatchObject({ code: 3, out: "" });
  expect(JSON.parse(ended.err)).toMatchObject({ error: { code: "KEY_UNKNOWN", action: idOf("refused") } });
});

test(
  "without an actuator it says so after a while, and what was signed stays queued",
  { timeout: 20_000 },
  async () => {
    await propose(actuator, { id: idOf("silent") });
    const ended = await run(["approve", idOf("silent"), "--key", key]);
    expect(ended).toMatchObject({ code: 4 });
    expect(ended.err.replaceAll("\n", " ")).toMatch(
      /no actuator answered within 10 s.*queued, and counts until 2\d{3}-.*\[NO_ANSWER\]/,
    );
    expect(await lastApproval(idOf("silent"))).toMatchObject({ action: idOf("silent") });
  },
);

test("on a terminal a person is asked first, and anything but yes signs nothing", async () => {
  await propose(actuator, { id: idOf("asked") });
  await using actuating = answering();
  const questions: string[] = [];
  const asked = (answer: string) => ({
    isTerminal: true,
    ask: async (question: string) => {
      questions.push(question);
      return answer;
    },
  });
  for (const answer of ["", "no", "yess"]) {
    const ended = await run(["approve", idOf("asked"), "--key", key], asked(answer));
    expect(ended).toMatchObject({ code: 7, err: expect.stringContaining("NOT_CONFIRMED") });
  }
  expect(await lastApproval(idOf("asked")), "nothing was sent").toBeUndefined();
  expect(questions[0]).toBe('Sign approve_action of "restart_node asked"? [yes/no] ');
  expect(await run(["approve", idOf("asked"), "--key", key], asked("yes"))).toMatchObject({ code: 0 });
  expect(await run(["approve", idOf("asked"), "--key", key, "--yes"], { isTerminal: true })).toMatchObject({ code: 0 });
  expect(actuating.heard).toHaveLength(2);
});

test("a key that others can read, that is none, or isn't there signs nothing", async () => {
  await propose(actuator, { id: idOf("keys") });
  const exposed = join(folder, "exposed.pem");
  writeFileSync(exposed, readFileSync(key), { mode: 0o600 });
  chmodSync(exposed, 0o640);
  const none = join(folder, "none.pem");
  writeFileSync(none, "no key", { mode: 0o600 });
  for (const [file, why] of [
    [exposed, "can be read by others than its owner (mode 640)"],
    [none, "is no private key to sign with"],
    [join(folder, "missing.pem"), "can't be read"],
  ] as const) {
    const ended = await run(["approve", idOf("keys"), "--key", file, "--json"]);
    expect(ended).toMatchObject({ code: 78, out: "" });
    expect(ended.err).toContain(why);
  }
  expect(await lastApproval(idOf("keys"))).toBeUndefined();
});

test("a word that would hold longer than 15 minutes is refused before it's signed", async () => {
  expect(await run(["approve", idOf("keys"), "--key", key, "--expires", "16m"])).toMatchObject({
    code: 64,
    err: expect.stringContaining("15 min"),
  });
});

test("--wait goes on until the action is over: 0 only when it's verified", async () => {
  for (const [target, end, code] of [
    ["wait-a", "verified", 0],
    ["wait-b", "failed", 8],
  ] as const) {
    const action = await propose(actuator, { id: idOf(target) });
    await using actuating = answering();
    const ending = run(["approve", action.id, "--key", key, "--wait"]);
    await until("the approval is heard", () => actuating.heard[0]);
    const executed = await step(actuator, await step(actuator, action, "approved"), "executed");
    await step(actuator, executed, end, { code: "SOME_WHY", text: `so it ${end}` });
    const ended = await ending;
    expect(ended.code).toBe(code);
    for (const state of ["approved", "executed", end]) expect(ended.out).toMatch(new RegExp(`${state} +(it is|so it)`));
    if (code !== 0) expect(ended.err).toContain(`ended as ${end}: so it ${end} [ENDED_OTHERWISE]`);
  }
});
