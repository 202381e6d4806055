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
