import { flow } from "@operator/contracts/flow";
import { plainText } from "@operator/evidence/telemetry";
import type { Desk } from "./desk.ts";

/** Copies a change of mode into ACTIONS, once per term: late, when no actuator was alive. */
export async function noteMode({ control, context }: Desk): Promise<void> {
  const { mode, term, by, atMs, reason, statement } = await control.read();
  if (term === 0) return;
  await context.bus.publish(flow.note, {
    id: `term-${term}`,
    kind: "mode_changed",
    atMs,
    by,
    text: plainText(`${mode}, term ${term}: ${reason}`, 1_000),
    ...(statement && { statement: statement.statement, signature: statement.signature }),
  });
}
