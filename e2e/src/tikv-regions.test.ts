import { patternOf } from "@operator/contracts/channel";
import { flow } from "@operator/contracts/flow";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { z } from "zod";
import { TikvStage } from "./tikv.ts";

// Invariants of a TiKV cluster's regions fire, hold while nobody looks, and clear: leaders, replicas, and their spread.

let stage: TikvStage;
beforeAll(async () => void (stage = await TikvStage.start({ graceScale: 0.1, timeScale: 8 })), 180_000);
afterAll(async () => await stage?.[Symbol.asyncDispose](), 60_000);

const balance = "balance-leader-scheduler";
const Regions = z.object({
  regions: z.array(z.object({ id: z.number(), leader: z.object({ store_id: z.number() }) })),
});

/** As somebody with pd-ctl would, past the operator. The simulator's ids are small enough for a number. */
async function pd(method: string, path: string, body?: object): Promise<unknown> {
  const endpoint = (stage.stack.environment["TIKV_PD_ENDPOINTS"] ?? "").split(",")[0]?.replace(/^[^=]*=/, "");
  const answer = await fetch(`${endpoint}/pd/api/v1/${path}`, { method, body: body ? JSON.stringify(body) : null });
  const text = await answer.text();
  if (!answer.ok) throw new Error(`PD answers ${answer.status} to ${method} ${path}: ${text}`);
  return JSON.parse(text);
}

const Schedule = z.object({ cluster: z.object({ schedulers: z.array(z.string()) }) });

/** The schedulers that PD runs, as the newest snapshot has them. */
async function schedulersSeen(): Promise<string[]> {
  const bus = await stage.stack.connect("cli");
  const newest = await bus.last(flow.snapshot, patternOf(flow.snapshot, { subject: "tikv" }));
  const parts = new Map<string, unknown>(Object.entries(newest?.message.parts ?? {}));
  return Schedule.parse(parts.get("schedule")).cluster.schedulers;
}

test("leaderless_regions: two of three stores are dead, which explains it", async () => {
  await stage.through({
    invariant: "leaderless_regions",
    target: "cluster",
    symptomOf: "store_down",
    ...stage.killing("tikv-1", "tikv-3"),
  });
});

test("under_replicated_regions: PD is to keep more replicas than there are stores", async () => {
  const replicas = async (count: number) => void (await pd("POST", "config", { "max-replicas": count }));
  await stage.through({
    invariant: "under_replicated_regions",
    target: "cluster",
    breakIt: () => replicas(5),
    mend: () => replicas(3),
    firesWithinMs: 120_000,
  });
});

test("leader_imbalance: a store gave its leaders away, and nobody spreads them", async () => {
  const from = Number(stage.store("tikv-2").replace("store-", ""));
  const to = Number(stage.store("tikv-3").replace("store-", ""));
  await stage.through({
    invariant: "leader_imbalance",
    target: "cluster",
    breakIt: async () => {
      await pd("DELETE", `schedulers/${balance}`);
      // The diagnosis rests on the snapshot in which leaders first were apart: by then the observer has to know.
      await vi.waitUntil(async () => !(await schedulersSeen()).includes(balance), { timeout: 30_000, interval: 100 });
      const { regions } = Regions.parse(await pd("GET", "regions"));
      for (const { id } of regions.filter(({ leader }) => leader.store_id === from)) {
        await pd("POST", "operators", { name: "transfer-leader", region_id: id, to_store_id: to });
      }
    },
    mend: async () => void (await pd("POST", "schedulers", { name: balance })),
    firesWithinMs: 120_000,
  });
  const diagnosis = stage.witness.ticket("leader_imbalance", "cluster")?.attempts.at(-1)?.diagnosis;
  expect(diagnosis?.answer.rootCauses[0]).toMatchObject({ category: "misconfigured", target: "cluster" });
});
