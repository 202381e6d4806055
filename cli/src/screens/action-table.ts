import type { Action } from "@operator/contracts/action";
import { agoOf, timeOf } from "../terminal/ages.ts";
import { type Line, paragraph, span, table } from "../terminal/page.ts";
import { actionOf, actionSpan } from "./action-words.ts";

/** Actions, each a row with its id and, below, what is to be done and its newest step. */
export function actionTable(actions: readonly Action[], nowMs: number, columns: number): Line[] {
  const [titles, ...rows] = table(
    [{ title: "STATE" }, { title: "ACTION", atLeast: 30 }, { title: "RISK" }, { title: "PROPOSED" }],
    actions.map(({ state, id, risk, proposedAtMs }) => [
      actionSpan(state),
      span(id, "title"),
      risk,
      columns >= 100 ? timeOf(proposedAtMs, nowMs) : agoOf(proposedAtMs, nowMs),
    ]),
    columns,
  );
  return [
    ...(titles ? [titles] : []),
    ...actions.flatMap((action, at) => {
      const step = action.steps.at(-1);
      return [
        rows[at] ?? [],
        ...paragraph(`${actionOf(action.proposal)}: ${action.proposal.why}`, columns, 4),
        ...(step && action.steps.length > 1 ? paragraph(`${step.text} – ${step.by}`, columns, 4, "dim") : []),
      ];
    }),
  ];
}
