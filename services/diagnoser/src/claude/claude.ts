import { randomBytes } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import type Anthropic from "@anthropic-ai/sdk";
import type { Job } from "@operator/contracts/job";
import type { Ticket } from "@operator/contracts/ticket";
import { claudeRequest, type Effort, usual, whyNotAsked } from "@operator/evidence/claude-request";
import type { Case } from "@operator/ground/case";
import type { Action } from "@operator/subject/action";
import type { ReadTool } from "@operator/subject/read-tool";
import type { AskRead } from "../ask-read.ts";
import type { Pause, Wait } from "./ask.ts";
import { Bill } from "./bill.ts";
import { call } from "./call.ts";
import { consult, type Consulted } from "./consult.ts";
import { type Spending, spentOn } from "./spending.ts";

/** All waits of an attempt together. */
const waitMsMax = 600_000;
/** Over before anyone could have read of it. */
const untoldMs = 2_000;

export interface ClaudeOptions {
  /** Made when it's asked for the first time. */
  client: () => Promise<Anthropic>;
  model: string;
  effort: Effort;
  /** One call, from the question to the end of the answer. */
  timeoutMs: number;
  ticketUsdMax: number;
  hourUsdMax: number;
  spending: Spending;
  secrets: readonly string[];
  /** Called before each wait for a busy API. */
  onWait: (job: Job, wait: Wait) => void;
  onPause: (why: Pause) => void;
}

export interface Consultation {
  theCase: Case;
  actions: readonly Action<never>[];
  /** What may be asked of the subject, and the way to ask. */
  readTools: readonly ReadTool[];
  read: AskRead;
  job: Job;
  ticket: Ticket;
  /** Why nobody needs the answer any more, if so. Asked after each wait, and before read tools are. */
  mootSince: () => Promise<string | undefined>;
  /** Called once, when it's to be long enough for people to be told. */
  tellWait: (wait: Wait) => Promise<void>;
  signal: AbortSignal;
}

/** Claude as an engine, within its budgets. Throws when the signal fires, or when what was spent can't be read. */
export async function askClaude(options: ClaudeOptions, consultation: Consultation): Promise<Consulted> {
  const { model, spending } = options;
  const { theCase, job, ticket, signal } = consultation;
  const why = whyNotAsked(theCase.file);
  if (why !== undefined) return { kind: "playbook", why };
  const bill = new Bill(model);
  let isTold = false;
  const key = { ticket: ticket.id, attempt: job.attempt };
  const note = (usd: number) => spending.note(key.ticket, key.attempt, usd, Date.now());
  const nonce = randomBytes(16).toString("hex");
  const request = claudeRequest({
    file: theCase.file,
    actions: consultation.actions,
    readTools: consultation.readTools,
    model,
    effort: options.effort,
    tokensMax: usual.tokensMax,
    nonce,
    secrets: options.secrets,
  });
  const budget = async (mostUsd: number) => {
    await spending.refresh();
    // From here to the note nothing else runs, so two slots can't both take what is left.
    const ofTicket = options.ticketUsdMax - spentOn(ticket, job.attempt) - bill.usd;
    const ofHour = options.hourUsdMax - spending.lastHourUsd(Date.now(), key) - bill.usd;
    const usd = Math.min(ofTicket, ofHour);
    note(bill.usd + Math.max(0, Math.min(usd, mostUsd)));
    const [left, whose] = ofTicket <= ofHour ? [ofTicket, options.ticketUsdMax] : [ofHour, options.hourUsdMax];
    const why = `${Math.max(0, left).toFixed(2)} USD are left of ${whose} USD for ${ofTicket <= ofHour ? "a ticket" : "an hour"}`;
    return { usd, why };
  };
  try {
    return await consult(
      {
        call: async (conversation) =>
          await call(await options.client(), conversation, { timeoutMs: options.timeoutMs, signal }),
        bill,
        budget,
        onWait: async (wait) => {
          options.onWait(job, wait);
          if (isTold || wait.altogetherMs <= untoldMs) return;
          isTold = true;
          await consultation.tellWait(wait);
        },
        onPause: options.onPause,
        mootSince: consultation.mootSince,
        waitMsMax,
        wait: (ms) => sleep(ms, undefined, { signal }),
      },
      theCase,
      request,
      { read: consultation.read, nonce, secrets: options.secrets },
    );
  } finally {
    note(bill.usd);
  }
}
