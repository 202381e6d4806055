import type { Decision } from "@operator/approval/policy";
import { type Line, paragraph, type Style, span, table } from "../terminal/page.ts";

/** What a policy says of an action, and the line of it that says so. */
export interface DecidedAction {
  subject: string;
  action: string;
  title: string;
  risk: string;
  decision: Decision;
  rule: string;
}

export function policyTable(actions: readonly DecidedAction[], perHourMax: number, columns: number): Line[] {
  return [
    ...table(
      [
        { title: "DECISION" },
        { title: "SUBJECT" },
        { title: "ACTION" },
        { title: "RISK" },
        { title: "BY", atLeast: 10 },
      ],
      actions.map(({ decision, subject, action, risk, rule }) => [
        span(decision, styles[decision]),
        subject,
        span(action, "title"),
        risk,
        rule,
      ]),
      columns,
    ),
    [],
    ...paragraph(
      `deny: never; propose: a person decides; auto: without one, where the playbook proposes the same. At most ${perHourMax} actions of a subject an hour.`,
      columns,
      0,
      "dim",
    ),
  ];
}

const styles = { deny: "bad", propose: "plain", auto: "warn" } as const satisfies Record<Decision, Style>;
