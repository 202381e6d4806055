import type { Msg } from "@nats-io/transport-node";
import { type Query, queryAddress } from "@operator/contracts/query";
import { z } from "zod";
import type { Bus } from "./bus.ts";
import { BusError } from "./failure.ts";

const answerWithinMs = 2_000;
/** Answers of this size are refused: a question isn't the way for more. */
const answerBytesMax = 1024 * 1024;

const Reply = z.union([
  z.object({ answer: z.unknown() }),
  z.object({ refused: z.object({ code: z.string(), message: z.string() }) }),
]);

/**
 * Asks a question about a subject and waits for the answer, 2 s unless told. Throws `NO_ANSWER` when nobody is there or
 * nothing came in time, `BAD_ANSWER`, or the code with which it was refused.
 */
export async function ask<Question, Answer>(
  bus: Bus,
  query: Query<Question, Answer>,
  subject: string,
  question: Question,
  { withinMs = answerWithinMs }: { withinMs?: number } = {},
): Promise<Answer> {
  const address = queryAddress(query, subject);
  let message: Msg;
  try {
    message = await bus.link.ask(address, JSON.stringify(question), { timeoutMs: withinMs });
  } catch (error) {
    throw new BusError("NO_ANSWER", `${address}: nobody answered within ${withinMs} ms; is the ${query.answers} up?`, {
      cause: error,
    });
  }
  const reply = Reply.safeParse(toJson(message.data));
  if (!reply.success) throw new BusError("BAD_ANSWER", `${address}: ${z.prettifyError(reply.error)}`);
  if ("refused" in reply.data) throw new BusError(reply.data.refused.code, `${address}: ${reply.data.refused.message}`);
  const answer = query.answer.safeParse(reply.data.answer);
  if (!answer.success) throw new BusError("BAD_ANSWER", `${address}: ${z.prettifyError(answer.error)}`);
  return answer.data;
}

/**
 * Answers a question about a subject until the signal fires. `undefined` leaves it to another instance; a throw is told
 * to who asked. Who wants the answer anywhere but in an asker's inbox gets none: what answers may also publish elsewhere.
 */
export function answerQueries<Question, Answer>(
  bus: Bus,
  query: Query<Question, Answer>,
  subject: string,
  signal: AbortSignal,
  answer: (question: Question) => Promise<Answer | undefined>,
): void {
  const address = queryAddress(query, subject);
  const reply = async (message: Msg): Promise<void> => {
    const say = (body: z.infer<typeof Reply>) => message.respond(JSON.stringify(body));
    const question = query.question.safeParse(toJson(message.data));
    if (!question.success) {
      return void say({ refused: { code: "BAD_QUESTION", message: z.prettifyError(question.error) } });
    }
    try {
      const answered = await answer(question.data);
      if (answered === undefined) return;
      const body = JSON.stringify({ answer: answered });
      if (Buffer.byteLength(body) <= answerBytesMax) return void message.respond(body);
      say({ refused: { code: "ANSWER_TOO_LARGE", message: `${body.length} bytes, the limit is ${answerBytesMax}` } });
    } catch (error) {
      say({ refused: { code: "QUERY_FAILED", message: error instanceof Error ? error.message : String(error) } });
    }
  };
  const hear = async (message: Msg): Promise<void> => {
    try {
      await reply(message);
    } catch (failure) {
      // The bus went away between the question and the answer: who asked asks again.
      bus.link.log({ level: "warn", msg: "not answered", address, why: String(failure) });
    }
  };
  const subscription = bus.link.connection.subscribe(address, {
    callback: (error, message) => {
      if (!error && isInboxOfAsker(query, message.reply)) void hear(message);
    },
  });
  signal.addEventListener("abort", () => subscription.unsubscribe(), { once: true });
}

function isInboxOfAsker({ asks }: Pick<Query, "asks">, reply: string | undefined): boolean {
  return asks.some((asker) => reply?.startsWith(`_INBOX_${asker}.`) === true);
}

function toJson(data: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(data).toString());
  } catch {
    return undefined;
  }
}
