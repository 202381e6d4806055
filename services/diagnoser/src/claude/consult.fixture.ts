import { breachMs, caseOf as breachOf, jobOf, kept, snapshotAt } from "@operator/evidence/case.fixture";
import { claudeRequest } from "@operator/evidence/claude-request";
import { type Case, caseOf } from "@operator/ground/case";
import type { Room } from "@operator/ground/room";
import { createLogger } from "@operator/service/log";
import type { ReadTool } from "@operator/subject/read-tool";
import { expect } from "vitest";
import { z } from "zod";
import type { AskRead } from "../ask-read.ts";
import { Bill } from "./bill.ts";
import { call } from "./call.ts";
import { createClient } from "./client.ts";
import { consult } from "./consult.ts";
import { MessagesApi, type Recorded, type Turn } from "./messages-api.fixture.ts";

const good = snapshotAt(breachMs - 1_000, { probe: { "node-a": { state: "up" }, "node-b": { state: "up" } } });
const bad = snapshotAt(breachMs, { probe: { "node-a": { state: "refused" }, "node-b": { state: "up" } } });
export const { ticket } = breachOf({
  invariant: "node_down",
  target: "node-a",
  pointers: ["/parts/probe/node-a/state"],
  bad,
  good,
});
export const job = jobOf(ticket);
const actions = [
  { name: "restart_node", title: "Start it", about: "Right for a crash.", risk: "low", parameters: z.object({}) },
  {
    name: "update_limit",
    title: "Store a limit",
    about: "Right for a wrong one.",
    risk: "medium",
    parameters: z.object({ key: z.string(), limit: z.int().min(1).max(100) }),
  },
] as const;
const room: Room = {
  playbook: () => { throw new Error("not asked here"); }, // prettier-ignore
  playbookName: "test",
  topology: { targets: () => [{ name: "node-a", kind: "node", dependsOn: [] }], explanations: [] },
  state: { probe: z.object({ state: z.string() }) },
  // Only what the model and the validator need of an action.
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion
  actions: actions as unknown as Room["actions"],
  readTools: () => Promise.resolve([]),
};
export const theCase: Case = caseOf(
  { job, ticket, firstBad: kept(bad), lastGood: kept(good), timeline: [], similar: [], actions: [], missing: [] },
  room,
  { nowMs: breachMs + 3_000, secrets: [] },
);
export const model = "claude-opus-5-5";
export const nonce = "0123456789abcdef";
export const log = createLogger({ service: "diagnoser", instance: "test", level: "silent", secrets: [] });

export type Script = (request: Recorded, n: number) => Turn;
export interface Setting {
  usd?: number;
  timeoutMs?: number;
  moot?: string;
  /** What may be asked, and the way to ask. */
  readTools?: readonly ReadTool[];
  read?: AskRead;
}

/** Consults over a real connection to a Messages API that answers by script. */
export async function consulting(script: Script, setting: Setting = {}) {
  const { usd = 5, timeoutMs = 5_000, moot, readTools = [] } = setting;
  const read = setting.read ?? (() => Promise.reject(new Error("there's nothing to ask")));
  await using api = await MessagesApi.start(script);
  const client = await createClient({ apiKey: api.key, url: api.url, log });
  const waits: number[] = [];
  const shown: string[] = [];
  const pauses: string[] = [];
  const bill = new Bill(model);
  const request = claudeRequest({
    file: theCase.file,
    actions,
    readTools,
    model,
    effort: "high",
    tokensMax: 32_000,
    nonce,
    secrets: [],
  });
  const signal = new AbortController().signal;
  const consulted = await consult(
    {
      call: (conversation) => call(client, conversation, { timeoutMs, signal }),
      bill,
      budget: async () => ({ usd: usd - bill.usd, why: "it's spent" }),
      onWait: async ({ why }) => {
        shown.push(why);
      },
      onPause: (why) => pauses.push(why),
      mootSince: async () => moot,
      waitMsMax: 600_000,
      wait: async (ms) => waits.push(ms),
    },
    theCase,
    request,
    { read, nonce, secrets: [] },
  );
  expect(api.refused).toEqual([]);
  return { consulted, waits, shown, pauses, api, bill };
}
