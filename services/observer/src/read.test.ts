import type { Json } from "@operator/contracts/json";
import { readBounds } from "@operator/contracts/read-tool";
import { defineReadTool, type ReadToolHands } from "@operator/subject/read-tool";
import { expect, test } from "vitest";
import { z } from "zod";
import { readBy } from "./read.ts";

const secrets = ["our-own-password"];
const Parameters = z.strictObject({ id: z.string().max(5) });

/** Asks a subject whose one read tool reads like this. */
function asking(read: (parameters: { id: string }, hands: ReadToolHands) => Promise<unknown>) {
  const about = { name: "get_region", title: "A region", about: "as it is", parameters: Parameters };
  const tools = [defineReadTool<typeof Parameters>({ ...about, read })];
  const answer = readBy({ tools, environment: { EXAMPLE_URL: "http://there" }, secrets });
  return (parameters: Json = { id: "18" }, name = "get_region") => answer({ name, parameters });
}

test("what a read tool says comes back with when it was read, clean, from its parameters and the room's environment", async () => {
  const ask = asking(({ id }, { environment }) =>
    Promise.resolve({ id, at: environment["EXAMPLE_URL"], note: "\u001b[31mour-own-password", none: undefined }),
  );
  const fromMs = Date.now();
  const answer = await ask();
  expect(answer).toMatchObject({ kind: "read", leftOut: 0 });
  if (answer.kind !== "read") throw new Error("not read");
  expect(answer.value).toEqual({ id: "18", at: "http://there", note: "[secret]" });
  expect(answer.atMs).toBeGreaterThanOrEqual(fromMs);
});

test("what isn't a read tool of the room, or isn't what it takes, is refused and quoted; nothing is read", async () => {
  const ask = asking(() => Promise.reject(new Error("read all the same")));
  expect(await ask({}, "drop_all")).toEqual({
    kind: "refused",
    code: "TOOL_UNKNOWN",
    message: '"drop_all" is no read tool of this subject, which has get_region',
  });
  const rows: [Json, string][] = [
    [{ id: "123456" }, "id"],
    [{}, "id"],
    [{ id: "18", also: 1 }, "also"],
    ["18", "object"],
    [null, "object"],
  ];
  for (const [parameters, word] of rows) {
    const answer = await ask(parameters);
    expect(answer).toMatchObject({ kind: "refused", code: "PARAMETERS_INVALID" });
    expect(JSON.stringify(answer)).toContain(word);
    expect("message" in answer && answer.message).toContain(`get_region doesn't take ${JSON.stringify(parameters)}`);
  }
});

test("an answer that is too long is cut, and says by how much", async () => {
  const answer = await asking(() => Promise.resolve(Array.from({ length: 5_000 }, (_, at) => `region ${at}`)))();
  expect(Buffer.byteLength(JSON.stringify("value" in answer && answer.value))).toBeLessThanOrEqual(readBounds.bytesMax);
  expect("leftOut" in answer && answer.leftOut).toBeGreaterThan(3_000);
});

test("who doesn't answer in time is told to stop, and isn't waited for", async () => {
  const signals: AbortSignal[] = [];
  const ask = asking((_, { signal }) => {
    signals.push(signal);
    return new Promise(() => {});
  });
  const fromMs = performance.now();
  expect(await ask()).toEqual({ kind: "failed", code: "READ_LATE", message: "not read within 2000 ms" });
  expect(performance.now() - fromMs).toBeLessThan(readBounds.withinMs + 500);
  expect(signals[0]?.aborted).toBe(true);
});

test("a failure is told in its words, without a secret; what is no JSON isn't told", async () => {
  const failing = asking(() => Promise.reject(new Error("PD says: our-own-password \u0007no such region")));
  expect(await failing()).toEqual({
    kind: "failed",
    code: "READ_FAILED",
    message: "PD says: [secret] no such region",
  });
  for (const odd of [undefined, () => 1, 10n]) {
    expect(await asking(() => Promise.resolve(odd))()).toMatchObject({ kind: "failed", code: "READ_NOT_JSON" });
  }
});

test("so many are read at a time, and the next ones when these are done", async () => {
  const { promise, resolve } = Promise.withResolvers<unknown>();
  const ask = asking(() => promise);
  const asked = Array.from({ length: readBounds.atOnceMax + 1 }, () => ask());
  expect(await asked.at(-1)).toMatchObject({ kind: "refused", code: "READS_BUSY" });
  resolve({});
  expect(await Promise.all(asked.slice(0, -1))).toEqual(
    Array.from({ length: readBounds.atOnceMax }, () => expect.objectContaining({ kind: "read" }) as unknown),
  );
  expect(await ask()).toMatchObject({ kind: "read" });
});
