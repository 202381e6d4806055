import { z } from "zod";
import { ActionId } from "./action-id.ts";
import { Engine, Rejection } from "./diagnosis.ts";
import { Json } from "./json.ts";
import { InstanceName, SubjectName, TargetName, TimeMs } from "./names.ts";
import { TicketId } from "./ticket-id.ts";

/** The name of an action in a subject's catalogue, e.g. `restart_node`. */
export const ActionName = z
  .string()
  .max(64)
  .regex(/^[a-z][a-z0-9_]*$/)
  .brand<"ActionName">();
export type ActionName = z.infer<typeof ActionName>;

/** How much harm an action may do when the diagnosis is wrong. */
export const Risk = z.enum(["low", "medium", "high"]);
export type Risk = z.infer<typeof Risk>;

/**
 * Where an action is: `proposed → approved → claimed → executed → verified`, or an end before. `unknown`: who claimed it
 * died, and nothing tells yet whether it took effect. `unverified`: the violation didn't clear in time.
 */
export const ActionState = z.enum([
  "proposed",
  "approved",
  "claimed",
  "executed",
  "verified",
  "refused",
  "rejected",
  "expired",
  "cancelled",
  "failed",
  "unverified",
  "undone",
  "unknown",
]);
export type ActionState = z.infer<typeof ActionState>;

/** What is to be done, as the diagnosis proposed it. An approval is for exactly this. */
export const Proposal = z.object({
  action: ActionName,
  target: TargetName,
  parameters: z.record(z.string(), Json),
  why: z.string().max(500),
});
export type Proposal = z.infer<typeof Proposal>;

/** One arrow of an action's way. */
export const ActionStep = z.object({
  state: ActionState,
  atMs: TimeMs,
  /** An instance of the actuator, `policy`, or the name of a person's key. */
  by: z.string().max(100),
  /** Why, for a step that isn't the usual one, e.g. `GUARD_REFUSED`. */
  code: z.string().max(100).optional(),
  text: z.string().max(1000),
});
export type ActionStep = z.infer<typeof ActionStep>;

/** A typed change to a subject, with what became of it. The actuator is its only writer. */
export const Action = z.object({
  id: ActionId,
  subject: SubjectName,
  ticket: TicketId,
  attempt: z.int().positive(),
  proposal: Proposal,
  risk: Risk,
  /** Who proposed it. */
  engine: Engine,
  /** SHA-256 of the facts that the diagnosis cites: an approval is for this evidence and no other. */
  evidence: z.string().regex(/^[0-9a-f]{64}$/),
  state: ActionState,
  /** One per step; names the step's event. */
  revision: z.int().positive(),
  proposedAtMs: TimeMs,
  /** Not begun by then, it's not begun at all. */
  expiresAtMs: TimeMs,
  /** Who approved it, in which term of the mode. */
  approval: z
    .object({ by: z.string().max(100), key: z.string().max(100).optional(), term: z.int().nonnegative(), atMs: TimeMs })
    .optional(),
  /** The signed words that made a step of it: a hash of each statement, and its place in APPROVALS. */
  words: z
    .array(z.object({ statement: z.string().max(64), sequence: z.int().nonnegative() }))
    .max(20)
    .optional(),
  claim: z.object({ by: InstanceName, atMs: TimeMs, untilMs: TimeMs }).optional(),
  /** When the effect began: how long it takes until who made it has heard so, nobody knows. What is cleared as of later counts. */
  effectFromMs: TimeMs.optional(),
  verifyByMs: TimeMs.optional(),
  /** What an undo needs to know. */
  before: Json.optional(),
  escalated: z.boolean(),
  steps: z.array(ActionStep).min(1).max(20),
  /** The steps of which events were sent, counted from the first. */
  sent: z.int().nonnegative(),
});
export type Action = z.infer<typeof Action>;

/** What was heard of actions without being one of their steps: kept for the audit. */
export const ActionNote = z.object({
  id: z.string().max(200),
  subject: SubjectName.optional(),
  kind: z.enum(["approval_accepted", "approval_refused", "mode_changed", "proposal_refused"]),
  atMs: TimeMs,
  by: z.string().max(100),
  action: z.string().max(640).optional(),
  ticket: z.string().max(640).optional(),
  code: z.string().max(100).optional(),
  text: z.string().max(1000),
  rejections: z.array(Rejection).max(20).optional(),
  /** The signed statement that it is about, as it came. */
  statement: z.string().max(8_000).optional(),
  signature: z.string().max(200).optional(),
});
export type ActionNote = z.infer<typeof ActionNote>;
