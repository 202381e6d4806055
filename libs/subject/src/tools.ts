import { setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";
import { type Action, defineAction, NotDone } from "./action.ts";

const anHourMs = 60 * 60_000;
const webhookVariable = "OPERATOR_WEBHOOK_URL";

/** Any state, source by source: a tool knows no room. */
type AnyState = Record<string, Record<string, unknown> | undefined>;

/** What all tools have in common: they change nothing of the subject, so nothing speaks against them at any target it has. */
const harmless = {
  risk: "low" as const,
  targets: (state: AnyState) => [...new Set(Object.values(state).flatMap((part) => Object.keys(part ?? {})))],
  verifyWithinMs: 5 * 60_000,
  takesOut: false,
  needs: () => [],
  guard: () => undefined,
};

const WaitParameters = z.strictObject({ seconds: z.int().min(1).max(60) });
const wait = defineAction<AnyState, typeof WaitParameters>({
  ...harmless,
  name: "wait",
  title: "Wait, and see whether it clears by itself",
  about:
    "Does nothing for 1 to 60 seconds. Right when something mends itself: a node that starts, a window that passes. Meanwhile no other action of the subject begins. Risk low: what is broken stays so for that long.",
  parameters: WaitParameters,
  executeWithinMs: 65_000,
  coolDownMs: 60_000,
  // It's asked of a claimant that has been silent for longer than the wait.
  isDone: () => true,
  execute: async ({ parameters: { seconds } }, _hands, signal) => {
    await sleep(seconds * 1_000, undefined, { signal });
    return { effect: `waited ${seconds} s` };
  },
});

const TextParameters = z.strictObject({ text: z.string().min(1).max(500) });
const logMessage = defineAction<AnyState, typeof TextParameters>({
  ...harmless,
  name: "log_message",
  title: "Write a line into the audit",
  about:
    "Keeps a sentence in the action's history, the ticket's and the log. Right for what whoever looks later should know. Risk low: it changes nothing.",
  parameters: TextParameters,
  executeWithinMs: 5_000,
  coolDownMs: 60_000,
  // The step that says it was done is the line itself.
  isDone: () => false,
  execute: ({ parameters: { text } }) => Promise.resolve({ effect: `noted: ${text}` }),
});

const notify = defineAction<AnyState, typeof TextParameters>({
  ...harmless,
  name: "notify",
  title: "Tell people by the webhook",
  about: `Posts a sentence to the address that ${webhookVariable} names. Right when a person has to look and nothing else can mend it. Risk low: it changes nothing, and disturbs somebody.`,
  parameters: TextParameters,
  executeWithinMs: 10_000,
  coolDownMs: anHourMs,
  isDone: () => undefined,
  execute: async ({ target, parameters: { text } }, { environment }, signal) => {
    const url = environment[webhookVariable];
    if (url === undefined || url === "") {
      throw new NotDone("WEBHOOK_MISSING", `nobody can be told: set ${webhookVariable} for the actuator`);
    }
    const body = JSON.stringify({ target, text });
    const headers = { "content-type": "application/json" };
    const { ok, status } = await fetch(url, { method: "POST", headers, body, signal, redirect: "error" });
    // Its address may hold a secret, so it isn't said.
    if (!ok) throw new NotDone("WEBHOOK_REFUSED", `the webhook answered ${status}`);
    return { effect: `told by the webhook, which answered ${status}: ${text}` };
  },
});

/** Actions that every subject has: they change nothing of it, and go the same way as all. */
export const tools: Action<never>[] = [wait, logMessage, notify];
