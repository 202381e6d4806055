import type { RequestListener } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { hands, inTime } from "./action-exchange.fixture.ts";
import { leaderPath, PdMember } from "./pd-members.ts";
import { withPd } from "./pd-write.ts";
import { v8 } from "./pd-exchange.fixture.ts";
import { serve } from "./recorded.fixture.ts";

/** Says who leads PD so late, each time a little sooner. */
async function leaderAfter(lateMs: number[]) {
  const { body } = v8("leader");
  return await serve((_request, response) => void sleep(lateMs.shift() ?? 0).then(() => response.end(body)));
}

async function whoLeads(url: string) {
  const { environment } = hands({ TIKV_PD_ENDPOINTS: url });
  const given = { callerId: "operator/test", environment, signal: inTime() };
  return await withPd(given, async (pd) => (await pd.read(leaderPath, PdMember)).name);
}

test("a PD of which all members are slow is asked again, and not taken for one that is away", async () => {
  await using pd = await leaderAfter([800, 800]);
  expect(await whoLeads(pd.url)).toBe("pd2");
  expect(pd.asked).toHaveLength(3);
});

test("one that stays silent is given up within 3 s", async () => {
  await using pd = await leaderAfter(Array.from({ length: 20 }, () => 4_000));
  const startedMs = performance.now();
  await expect(whoLeads(pd.url)).rejects.toMatchObject({ code: "TIMEOUT" });
  expect(performance.now() - startedMs).toBeLessThan(4_000);
});

/** Writes to a PD that answers so, for longer than a write may take. Gives what came of it, and whether it may be done. */
async function writeTo(answer: RequestListener) {
  await using pd = await serve(answer);
  await using other = await serve((_, response) => void response.end('"done"'));
  const { environment } = hands({ TIKV_PD_ENDPOINTS: `${pd.url},${other.url}` });
  const given = { callerId: "operator/test", environment, signal: AbortSignal.timeout(12_000) };
  const startedMs = performance.now();
  return await withPd(given, async (writer) => {
    const error: unknown = await writer.write("POST", "/pd/api/v1/leader/resign").catch((thrown: unknown) => thrown);
    const { mayHaveWritten } = writer;
    return {
      error,
      mayHaveWritten,
      tookMs: performance.now() - startedMs,
      asked: [pd.asked.length, other.asked.length],
    };
  });
}

test("a write that stays without an answer is given up after 5 s; it may be done, so no other member is asked", async () => {
  const { error, mayHaveWritten, tookMs, asked } = await writeTo(() => {});
  expect(error).toMatchObject({ code: "TIMEOUT", isUnknown: true });
  expect(mayHaveWritten).toBe(true);
  expect(tookMs).toBeGreaterThan(4_900);
  expect(tookMs).toBeLessThan(8_000);
  expect(asked).toEqual([1, 0]);
}, 20_000);

test("an answer to a write that doesn't end is given up at 16 MiB; it may be done, so no other member is asked", async () => {
  let sentBytes = 0;
  const { error, mayHaveWritten, asked } = await writeTo((_, response) => {
    const mebibyte = Buffer.alloc(1_048_576, " ");
    const more = (): void => {
      if (response.destroyed) return;
      sentBytes += mebibyte.length;
      response.write(mebibyte, more);
    };
    more();
  });
  expect(error).toMatchObject({ code: "UND_ERR_RES_EXCEEDED_MAX_SIZE", isUnknown: true });
  expect(mayHaveWritten).toBe(true);
  expect(sentBytes).toBeLessThan(64 * 1_048_576);
  expect(asked).toEqual([1, 0]);
}, 20_000);
