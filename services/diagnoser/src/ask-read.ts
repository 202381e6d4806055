import { BusError } from "@operator/bus/failure";
import { ask } from "@operator/bus/query";
import { addressOf } from "@operator/contracts/channel";
import { flow } from "@operator/contracts/flow";
import type { Job } from "@operator/contracts/job";
import { queries } from "@operator/contracts/query";
import { readBounds, ReadQuestion, ReadToolName } from "@operator/contracts/read-tool";
import type { ReadEvidence } from "@operator/contracts/tool-evidence";
import type { KeptRead } from "@operator/evidence/read-facts";
import { tellableJson } from "@operator/evidence/tellable-json";
import type { Desk } from "./carry-out.ts";

/** What came of a call of a read tool: what it said, kept as evidence of the attempt; or why it said nothing. */
export type Told = { kept: KeptRead } | { code: string; message: string };

export type AskRead = (call: { name: string; parameters: unknown }) => Promise<Told>;

/** The observer's own limit, and the way there and back. */
const withinMs = readBounds.withinMs + 1_000;
const storeWithinMs = 5_000;

/** Asks the observer with a read tool, for one attempt. What it says is stored before anyone is told. Throws when the service stops. */
export function askReadFor(
  { bus, secrets, log }: Pick<Desk, "bus" | "secrets" | "log">,
  { subject, ticket, attempt }: Job,
  signal: AbortSignal,
): AskRead {
  let newestMs = 0;
  return async (call) => {
    const told = await askOnce(call);
    const outcome = "code" in told ? { code: told.code } : { readAtMs: told.kept.document.readAtMs };
    log.info({ ticket, attempt, tool: call.name.slice(0, 64), ...outcome }, "asked the observer");
    return told;
  };

  async function askOnce(call: Parameters<AskRead>[0]): Promise<Told> {
    const question = ReadQuestion.safeParse(call);
    const tool = ReadToolName.safeParse(call.name);
    if (!question.success || !tool.success) {
      return { code: "TOOL_UNKNOWN", message: `${JSON.stringify(call.name.slice(0, 80))} is no read tool` };
    }
    try {
      const answer = await ask(bus, queries.observe, subject, question.data, { withinMs });
      signal.throwIfAborted();
      if (answer.kind !== "read") return { code: answer.code, message: answer.message };
      // The observer hides its own secrets; what this process knows it can't have known.
      const said = tellableJson(answer.value, { bytesMax: readBounds.bytesMax, secrets });
      const parameters = tellableJson(question.data.parameters, { bytesMax: readBounds.bytesMax, secrets });
      // Two calls of one tool may be answered within a millisecond, and each has its own address.
      newestMs = Math.max(Date.now(), newestMs + 1);
      const document: ReadEvidence = {
        subject,
        ticket,
        attempt,
        tool: tool.data,
        atMs: newestMs,
        parameters: parameters.value,
        readAtMs: answer.atMs,
        value: said.value,
        leftOut: answer.leftOut + said.leftOut,
      };
      const { stored } = await bus.publish(flow.toolEvidence, document, { deadlineMs: storeWithinMs, signal });
      // Who carried the same attempt out at the same time was told something else there.
      if (stored === "repeat") return { code: "NOT_KEPT", message: "what it said couldn't be kept: ask again" };
      return { kept: { address: addressOf(flow.toolEvidence, document), document } };
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof BusError)) throw error;
      return { code: error.code, message: error.message };
    }
  }
}
