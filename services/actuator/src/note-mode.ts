import { flow } from "@operator/contracts/flow";
import { plainText } from "@operator/evidence/telemetry";
import type { Desk } from "./desk.ts";

/** Copies each change of mode that it finds into ACTIONS, once per term: late, when no actuator was alive. */
export function modeNoter({ control, context }: Pick<Desk, "control" | "context">): () => Promise<void> {
  let noted = 0;
  return async () => {
    const { mode, term, by, atMs, reason, statement } = await control.read();
    if (term === noted) return;
    await context.bus.publish(flow.note, {
      id: `term-${term}`,
      kind: "mode_changed",
      atMs,
      by,
      text: plainText(`${mode}, term ${term}: ${reason}`, 1_000),
      ...(statement && { statement: statement.statement, signature: statement.signature }),
    });
    noted = term;
  };
}
