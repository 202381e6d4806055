import { Json } from "@operator/contracts/json";
import { type ReadAnswer, readBounds, type ReadQuestion } from "@operator/contracts/read-tool";
import { redact } from "@operator/evidence/secrets";
import { plainText } from "@operator/evidence/telemetry";
import { tellableJson } from "@operator/evidence/tellable-json";
import type { ReadTool } from "@operator/subject/read-tool";
import { z } from "zod";

/** What an observer answers with. */
export interface Reader {
  tools: readonly ReadTool[];
  /** The room's environment. */
  environment: Record<string, string | undefined>;
  secrets: readonly string[];
}

/** Answers questions by a room's read tools, a bounded number at a time, each within its time. Never throws. */
export function readBy({ tools, environment, secrets }: Reader): (question: ReadQuestion) => Promise<ReadAnswer> {
  const told = (text: string) => plainText(redact(text, secrets), 500);
  let underWay = 0;
  return async ({ name, parameters }) => {
    const tool = tools.find((each) => each.name === name);
    if (!tool) {
      const names = tools.map((each) => each.name).join(", ");
      const message = `${shown(name)} is no read tool of this subject, which has ${names || "none"}`;
      return { kind: "refused", code: "TOOL_UNKNOWN", message: told(message) };
    }
    const asked = tool.parameters.safeParse(parameters);
    if (!asked.success) {
      const message = `${name} doesn't take ${shown(parameters)}: ${z.prettifyError(asked.error)}`;
      return { kind: "refused", code: "PARAMETERS_INVALID", message: told(message) };
    }
    if (underWay >= readBounds.atOnceMax) {
      const message = `${underWay} questions are being answered, which is the most: ask again in a moment`;
      return { kind: "refused", code: "READS_BUSY", message };
    }
    underWay += 1;
    try {
      // The schema that parsed them is the tool's own.
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion
      return answerOf(name, await inTime((signal) => tool.read(asked.data as never, { environment, signal })), secrets);
    } catch (error) {
      if (error instanceof Late) return { kind: "failed", code: "READ_LATE", message: error.message };
      return {
        kind: "failed",
        code: "READ_FAILED",
        message: told(error instanceof Error ? error.message : String(error)),
      };
    } finally {
      underWay -= 1;
    }
  };
}

function answerOf(
  name: string,
  { value, atMs }: { value: unknown; atMs: number },
  secrets: readonly string[],
): ReadAnswer {
  const json = asJson(value);
  if (json === undefined) return { kind: "failed", code: "READ_NOT_JSON", message: `what ${name} gave is no JSON` };
  return { kind: "read", atMs, ...tellableJson(json, { bytesMax: readBounds.bytesMax, secrets }) };
}

/** An optional field that is there as `undefined` isn't there on the wire. */
function asJson(value: unknown): Json | undefined {
  try {
    return Json.safeParse(JSON.parse(JSON.stringify(value))).data;
  } catch {
    return undefined;
  }
}

class Late extends Error {}

/** What was read and when that began. Who doesn't heed the signal isn't waited for either. */
async function inTime(read: (signal: AbortSignal) => Promise<unknown>): Promise<{ value: unknown; atMs: number }> {
  const stop = new AbortController();
  const { promise: late, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => {
    // First, so that the read's own failure, which follows from it, isn't what is told.
    reject(new Late(`not read within ${readBounds.withinMs} ms`));
    stop.abort();
  }, readBounds.withinMs);
  const atMs = Date.now();
  try {
    return { value: await Promise.race([read(stop.signal), late]), atMs };
  } finally {
    clearTimeout(timer);
  }
}

/** Something of the asker's within a sentence of ours. */
function shown(value: Json): string {
  return JSON.stringify(value).slice(0, 120);
}
