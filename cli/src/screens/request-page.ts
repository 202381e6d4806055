import type { PlannedRequest } from "../read-request.ts";
import { entry, type Line, paragraph, span } from "../terminal/page.ts";

/** A request that wasn't sent: what it would cost, then all that is in it. */
export function requestPage(planned: PlannedRequest, columns: number): Line[] {
  const { ticket, attempt, model, effort, notAsked, estimate, request } = planned;
  const { question, most } = estimate;
  const line = (name: string, text: string) => entry(name, text, columns);
  const title = (text: string): Line => [span(text, "title")];
  return [
    title(ticket),
    ...paragraph(`What a diagnoser with a key would send to Claude for attempt ${attempt}. Nothing was sent.`, columns),
    ...(notAsked === undefined ? [] : paragraph(`It wouldn't send it: ${notAsked}.`, columns, 0, "warn")),
    ...line("model", `${model}, effort ${effort}`),
    ...line("size", `${count(estimate.bytes)} bytes, some ${count(question.tokens)} tokens`),
    ...line(
      "costs",
      `some ${usd(question.usd)} for the question; at most ${usd(most.usd)} with the longest answer (${count(most.answerTokens)} tokens), and as much again for each round of read tools and for a repair, within the diagnoser's budget`,
    ),
    ...(planned.isPriced ? [] : line("", "no price is known of this model: it's counted as the dearest")),
    [],
    title("Instructions, the same for every case"),
    ...request.system.flatMap(({ text }) => paragraph(text, columns, 2)),
    [],
    title("The case"),
    ...request.messages.flatMap(({ content }) => paragraph(content, columns, 2)),
    ...toolLines(planned, columns),
    [],
    title("The schema of the answer"),
    ...paragraph(JSON.stringify(request.output_config.format.schema), columns, 2),
  ];
}

function toolLines({ request: { tools = [] } }: PlannedRequest, columns: number): Line[] {
  if (tools.length === 0) return [];
  return [
    [],
    [span("Read tools that it may call before it answers", "title")],
    ...tools.flatMap(({ name, description }) => paragraph(`${name}: ${description}`, columns, 2)),
  ];
}

function count(n: number): string {
  return n.toLocaleString("en-US");
}

function usd(amount: number): string {
  return `${amount.toFixed(2)} USD`;
}
