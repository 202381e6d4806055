import { z } from "zod";
import type { UserName } from "./channel.ts";
import { Logs, LogsQuestion } from "./logs.ts";
import { ReadAnswer, ReadQuestion } from "./read-tool.ts";
import { Snapshot } from "./snapshot.ts";
import { toToken } from "./tokens.ts";

/** A question that is answered at once and stored nowhere. */
export interface Query<Question = unknown, Answer = unknown> {
  name: string;
  asks: readonly UserName[];
  answers: UserName;
  question: z.ZodType<Question>;
  answer: z.ZodType<Answer>;
  holds: string;
}

function defineQuery<Question, Answer>(query: Query<Question, Answer>): Query<Question, Answer> {
  return query;
}

/** Every question, at `operator.query.<subject>.<name>`. */
export const queries = {
  state: defineQuery({
    name: "state",
    asks: ["actuator"],
    answers: "observer",
    question: z.object({}),
    answer: Snapshot,
    holds: "the subject's state, every source read after the question came",
  }),
  logs: defineQuery({
    name: "logs",
    asks: ["diagnoser"],
    answers: "observer",
    question: LogsQuestion,
    answer: Logs,
    holds: "the ends of the logs of a few targets: 50 lines of the last ten minutes each, 16 KB at most",
  }),
  observe: defineQuery({
    name: "observe",
    asks: ["diagnoser"],
    answers: "observer",
    question: ReadQuestion,
    answer: ReadAnswer,
    holds: "what one of the room's read tools says now: 16 KB at most, within 2 s",
  }),
} as const;

export function queryAddress(query: Pick<Query, "name">, subject: string): string {
  return `operator.query.${toToken(subject)}.${query.name}`;
}
