import type { Action, ActionStep } from "@operator/contracts/action";
import { agoOf, clockOf, timeOf } from "../terminal/ages.ts";
import { entry, type Line, paragraph, span } from "../terminal/page.ts";
import { safeJson } from "../terminal/safe-text.ts";
import { actionSpan } from "./action-words.ts";

export interface ActionPageOptions {
  nowMs: number;
  columns: number;
  /** How the command is typed here. */
  program: string;
}

/** An action as a page: what is to be done and why, what it rests on, what became of it, what to type next. */
export function actionPage(action: Action, options: ActionPageOptions): Line[] {
  const { nowMs, columns, program } = options;
  const { id, ticket, state, engine, escalated, expiresAtMs, approval, claim, verifyByMs } = action;
  const line = (name: string, text: string) => entry(name, text, columns);
  const commands = [
    ...(state === "proposed" ? [`actions approve ${id} --key <file>`, `actions reject ${id} --key <file>`] : []),
    ...(state === "approved" ? [`actions cancel ${id} --key <file>`] : []),
    `tickets show ${ticket}`,
    `audit show ${id}`,
  ];
  return [
    [span(id, "title")],
    [actionSpan(state), ` · risk ${action.risk}${escalated ? " · escalated: needs a person" : ""}`],
    ...whatLines(action, columns),
    ...line("proposed by", `the ${engine.kind} ${engine.name}, ${timeOf(action.proposedAtMs, nowMs)}`),
    ...(state === "proposed" || state === "approved" ? line("expires", timeOf(expiresAtMs, nowMs)) : []),
    ...(approval
      ? line("approved by", `${approval.by} in term ${approval.term}, ${timeOf(approval.atMs, nowMs)}`)
      : []),
    ...(claim ? line("claimed by", `${claim.by}, ${timeOf(claim.atMs, nowMs)}`) : []),
    ...(state === "executed" && verifyByMs !== undefined ? line("verified by", timeOf(verifyByMs, nowMs)) : []),
    [],
    [span("What happened", "title")],
    ...stepLines(action.steps, options),
    [],
    [span("What to type next", "title")],
    ...commands.map((command): Line => ["  ", span(`${program} ${command}`, "code")]),
  ];
}

/** What a person is asked to sign. */
export function whatLines({ proposal, risk, evidence, ticket }: Action, columns: number): Line[] {
  const line = (name: string, text: string) => entry(name, text, columns);
  return [
    ...line("action", proposal.action),
    ...line("target", proposal.target),
    ...line("parameters", Object.keys(proposal.parameters).length === 0 ? "none" : safeJson(proposal.parameters)),
    ...line("risk", risk),
    ...line("why", proposal.why),
    ...line("ticket", ticket),
    ...line("evidence", `${evidence} (SHA-256 of the facts cited)`),
  ];
}

/** Steps, a line each. */
export function stepLines(
  steps: readonly ActionStep[],
  { nowMs, columns }: Pick<ActionPageOptions, "nowMs" | "columns">,
): Line[] {
  return steps.flatMap(({ atMs, state, by, code, text }) => {
    const when = `  ${clockOf(atMs, nowMs)}  ${agoOf(atMs, nowMs).padEnd(10)}  `;
    const said = [text, code !== undefined && `(${code})`, `– ${by}`].filter((part) => part !== false).join(" ");
    const indent = when.length + stateWidth + 1;
    return paragraph(said, columns - indent).map(([, ...line], at): Line =>
      at === 0 ? [span(when, "dim"), `${state.padEnd(stateWidth)} `, ...line] : [" ".repeat(indent), ...line],
    );
  });
}

const stateWidth = "unverified".length;
