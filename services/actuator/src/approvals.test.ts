import type { Action } from "@operator/contracts/action";
import { controlKey } from "@operator/contracts/control";
import { flow } from "@operator/contracts/flow";
import { Checkpoint } from "@operator/service/checkpoint";
import { afterAll, beforeAll, expect, test } from "vitest";
import { z } from "zod";
import { Acting, type Person } from "./acting.fixture.ts";
import { Staged } from "./staged.fixture.ts";

let acting: Acting<Staged>;
let ada: Person;
beforeAll(async () => {
  acting = await Acting.at(await Staged.start());
  ada = acting.person("ada");
  await acting.actuator();
  await acting.execute(ada);
}, 60_000);
afterAll(async () => await acting[Symbol.asyncDispose]());

let n = 0;
/** A broken node, and the proposal to start it. */
async function proposed(): Promise<Action> {
  const node = `node-${++n}`;
  const ticket = await acting.place.broken(node);
  return await acting.proposed(ticket, { action: "restart_node", target: node, parameters: {} });
}

/** Nothing was done, and a right word still counts. */
async function expectNothingDone(action: Action): Promise<void> {
  expect((await acting.actions.get(action.id))?.value.state).toBe("proposed");
  expect(acting.place.startsOf(action.proposal.target)).toBe(0);
}

type Spoil = NonNullable<NonNullable<Parameters<Acting["say"]>[2]>["change"]>;

test.for<[string, string, Spoil]>([
  [
    "has expired",
    "STATEMENT_EXPIRED",
    (said) => ({ ...said, issuedAtMs: said.issuedAtMs - 60_000, expiresAtMs: said.issuedAtMs - 1 }),
  ],
  [
    "holds for longer than 15 minutes",
    "STATEMENT_EXPIRED",
    (said) => ({ ...said, expiresAtMs: said.issuedAtMs + 900_001 }),
  ],
  ["is for other parameters", "PARAMETERS_MISMATCH", (said) => ({ ...said, parameters: { hard: 1 } })],
  ["is for other evidence", "EVIDENCE_MISMATCH", (said) => ({ ...said, evidence: "0".repeat(64) })],
  ["is for another target", "ACTION_MISMATCH", (said) => ({ ...said, target: `${said.target}0` })],
  ["is for another kind of action", "ACTION_MISMATCH", (said) => ({ ...said, kind: "drain_node" })],
  [
    "is for another action than it was sent for",
    "ACTION_MISMATCH",
    (said) => ({ ...said, action: said.action.replace(/1$/, "2") }),
  ],
  ["is of a term that has ended", "TERM_ENDED", (said) => ({ ...said, term: said.term - 1 })],
])("a signed word doesn't count that %s", async ([, code, change]) => {
  const action = await proposed();
  const [answer] = await acting.answersTo(await acting.say(ada, action, { change }));
  expect(answer).toMatchObject({ kind: "approval_refused", code });
  await expectNothingDone(action);
});

test.for<[string, string, (person: Person, stranger: Person) => Person]>([
  ["of a key that nobody knows", "KEY_UNKNOWN", (_, stranger) => stranger],
  [
    "under another's key",
    "SIGNATURE_INVALID",
    ({ key, publicKey }, stranger) => ({
      key,
      publicKey,
      sign: (said) => ({ ...stranger.sign(said), statement: ada.sign(said).statement }),
    }),
  ],
])("a word doesn't count %s", async ([, code, who]) => {
  const action = await proposed();
  const [answer] = await acting.answersTo(await acting.say(who(ada, acting.stranger()), action));
  expect(answer).toMatchObject({ kind: "approval_refused", code, by: "unknown" });
  await expectNothingDone(action);
});

test("a word doesn't count that was changed after it was signed", async () => {
  const action = await proposed();
  const send = (signed: { statement: string; signature: string }) => ({ ...signed, statement: `${signed.statement} ` });
  const [answer] = await acting.answersTo(await acting.say(ada, action, { send }));
  expect(answer).toMatchObject({ kind: "approval_refused", code: "STATEMENT_MALFORMED" });
  await expectNothingDone(action);
});

test("nobody approves above the risk that the approvers' file gives them, but may reject", async () => {
  const bob = acting.person("bob", { risks: ["high"] });
  const action = await proposed();
  const [answer] = await acting.answersTo(await acting.say(bob, action));
  expect(answer).toMatchObject({ kind: "approval_refused", code: "RISK_NOT_ALLOWED", by: "bob" });
  await expectNothingDone(action);
  await acting.say(bob, action, { purpose: "reject_action" });
  expect((await acting.action(action.id, "rejected")).steps.at(-1)).toMatchObject({ by: "bob" });
});

test.for<[string, string, () => Promise<unknown>]>([
  ["the mode is observe", "MODE_OBSERVE", () => acting.killSwitch()],
  ["nobody signed the mode", "STATEMENT_MISSING", () => acting.execute(ada, () => undefined)],
  [
    "what was signed is for another term",
    "TERM_DIFFERS",
    () => acting.execute(ada, (said) => ({ ...said, term: said.term + 1 })),
  ],
  [
    "what was signed has expired",
    "STATEMENT_EXPIRED",
    () => acting.execute(ada, (said) => ({ ...said, issuedAtMs: 1, expiresAtMs: 2 })),
  ],
  [
    "who signed the mode may not",
    "MODE_NOT_ALLOWED",
    () => acting.execute(acting.person(`no-mode-${n}`, { mode: false })),
  ],
  ["a key signed it that nobody knows", "KEY_UNKNOWN", () => acting.execute(acting.stranger())],
])("nothing is approved while %s", async ([, code, change]) => {
  const action = await proposed();
  await change();
  const [answer] = await acting.answersTo(await acting.say(ada, action));
  expect(answer).toMatchObject({ kind: "approval_refused", code });
  await expectNothingDone(action);
  await acting.execute(ada);
});

test("what was approved before the mode ended isn't begun in the next term", async () => {
  const action = await proposed();
  const ticket = await acting.ticketOf(action);
  await acting.place.change(ticket, { held: true });
  await acting.say(ada, action);
  await acting.action(action.id, "approved");
  await acting.killSwitch();
  await acting.execute(ada);
  await acting.place.change(ticket, { held: false });
  expect((await acting.action(action.id, "cancelled")).steps.at(-1)?.code).toBe("TERM_ENDED");
  expect(acting.place.startsOf(action.proposal.target)).toBe(0);
});

test("a term that went back doesn't count, though all of it was signed: the kill switch can't be undone by its bus", async () => {
  const [action, other] = [await proposed(), await proposed()];
  const ticket = await acting.ticketOf(action);
  await acting.place.change(ticket, { held: true });
  await acting.say(ada, action);
  await acting.action(action.id, "approved");
  const before = await acting.control.get(controlKey);
  if (!before) throw new Error("nothing was written");
  await acting.killSwitch();
  // An actuator that starts when it's done knows by the history.
  await acting.place.stopActuators();
  await acting.control.change(controlKey, () => before.value);
  await acting.actuator();
  await acting.place.change(ticket, { held: false });
  expect((await acting.action(action.id, "cancelled")).steps.at(-1)?.code).toBe("MODE_OBSERVE");
  expect(acting.place.startsOf(action.proposal.target)).toBe(0);
  const [answer] = await acting.answersTo(await acting.say(ada, other));
  expect(answer).toMatchObject({ kind: "approval_refused", code: "MODE_OBSERVE" });
  await acting.execute(ada, undefined, before.value.term + 2);
});

test("a right word counts once: sent again it's refused, read again it's the same", { timeout: 90_000 }, async () => {
  const action = await proposed();
  const signed = await acting.say(ada, action);
  await acting.action(action.id, "executed");
  expect(await acting.answersTo(signed)).toMatchObject([{ kind: "approval_accepted", by: "ada" }]);

  // The bus knows a message by its id for two minutes; a replay may come later, or under another id.
  const replayed = { action: action.id, subject: action.subject, signed };
  await acting.cli.publish({ ...flow.approval, id: () => `replay-${action.id}` }, replayed);
  const answers = await acting.answersTo(signed, 2);
  expect(answers.map(({ kind, code }) => `${kind} ${code ?? ""}`.trim()).sort()).toEqual([
    "approval_accepted",
    "approval_refused STATEMENT_REPLAYED",
  ]);

  const before = await audit();
  await readAgain();
  expect(await audit()).toEqual(before);
  expect(acting.place.startsOf(action.proposal.target)).toBe(1);
});

test("a refusal is final: read again when its key is among the approvers, the word still doesn't count", async () => {
  const action = await proposed();
  const eve = acting.stranger();
  await acting.answersTo(await acting.say(eve, action));
  const before = await audit();
  await readAgain(() => acting.admit(eve, "eve"));
  expect(await audit()).toEqual(before);
  await expectNothingDone(action);
  const [answer] = await acting.answersTo(await acting.say(eve, action));
  expect(answer, "said anew it counts").toMatchObject({ kind: "approval_accepted", by: "eve" });
});

/** Another actuator reads all approvals from the first one on, after what happened meanwhile. */
async function readAgain(meanwhile: () => void = () => {}): Promise<void> {
  await acting.place.stopActuators();
  const actuator = await acting.place.connect("actuator");
  const checkpoints = await actuator.bucket("checkpoints", z.unknown());
  for (const { key } of await checkpoints.entries("actuator")) await checkpoints.remove(key);
  meanwhile();
  await acting.actuator();
  const { lastSequence } = await actuator.streamState("APPROVALS");
  await acting.until("all approvals are read again", async () => {
    const { from } = await Checkpoint.open(actuator, "APPROVALS");
    return typeof from === "object" && from.after >= lastSequence ? true : undefined;
  });
}

async function audit() {
  const actions = await acting.actions.entries();
  return {
    actions: actions.map(({ value }) => `${value.id} ${value.steps.map(({ state }) => state).join(" ")}`).sort(),
    notes: [...(await acting.notes("approval_accepted")), ...(await acting.notes("approval_refused"))].map(
      ({ id }) => id,
    ),
  };
}
