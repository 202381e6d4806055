import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { Silence } from "@operator/contracts/silence";
import { freePorts } from "@operator/stack/free-port";
import { findCommands, startSpec } from "@operator/stack/spec-program";
import { afterAll, beforeAll, expect, test } from "vitest";
import { z } from "zod";
import { TikvStage } from "./tikv.ts";

// Planned work on a TiKV cluster is no fault: a store that stops in order, a rolling restart, a store that comes and leaves.

type Spec = Parameters<typeof startSpec>[0];

const members = ["tikv-1", "tikv-2", "tikv-3"] as const;
/** Long enough to give all leaders away; whoever leads alone can't, and a stack that ends waits for it. */
const drainMs = 8_000;
const timeScale = 4;
let stage: TikvStage;
/** A fourth store, which Prometheus looks for from the start. */
let fourth: { spec: Spec; address: string };

beforeAll(async () => {
  const [port, statusPort] = await freePorts(2);
  const [address, statusAddress] = [`127.0.0.1:${port}`, `127.0.0.1:${statusPort}`];
  stage = await TikvStage.start({
    // A grace that is shorter than the cluster's time would call elections faults.
    graceScale: 1 / timeScale,
    timeScale,
    adjust: (spec) => {
      if (spec.kind === "prometheus") return scraping(spec, statusAddress);
      if (spec.kind !== "store") return spec;
      const environment = { ...spec.environment, TIKV_SIMULATOR_DRAIN_MS: String(drainMs) };
      const own = {
        TIKV_SIMULATOR_STORES: `${address}=${statusAddress}`,
        TIKV_SIMULATOR_DATA: join(spec.environment["TIKV_SIMULATOR_DATA"] ?? "", "..", "tikv-4"),
      };
      const ready = { url: `http://${statusAddress}/status` };
      fourth = {
        address,
        spec: { ...spec, name: "tikv-4", target: "tikv-4", environment: { ...environment, ...own }, ready },
      };
      return { ...spec, environment };
    },
  });
}, 180_000);
afterAll(async () => await stage?.[Symbol.asyncDispose](), 60_000);

/** The configuration is JSON: a scrape job more. */
function scraping(spec: Spec, instance: string): Spec {
  const files = Object.entries(spec.files ?? {}).map(([name, text]) => {
    const config = z.looseObject({ scrape_configs: z.array(z.unknown()) }).parse(JSON.parse(text));
    const job = { job_name: "tikv-4", static_configs: [{ targets: [instance] }] };
    return [name, JSON.stringify({ ...config, scrape_configs: [...config.scrape_configs, job] })] as const;
  });
  return { ...spec, files: Object.fromEntries(files) };
}

/** What was said from here on: tickets, and what fired or went blind, with or without a ticket. */
function fromHere() {
  const { witness } = stage;
  const tickets = new Set(witness.ticketIds());
  const { length } = witness.violations;
  return {
    tickets: () => witness.ticketIds().filter((id) => !tickets.has(id)),
    broken: () =>
      witness.violations
        .slice(length)
        .filter(({ state }) => state === "firing" || state === "blind")
        .map(({ invariant, target, summary }) => `${invariant} ${target}: ${summary}`),
  };
}

test("a store that is asked to end is told from one that died, and nothing else is said", async () => {
  const { witness, stack } = stage;
  const said = fromHere();
  const store = stack.member("tikv-3");
  const target = stage.store("tikv-3");
  store.signal("SIGTERM");
  await store.exited;
  const ticket = await witness.until("a diagnosis", () => {
    const now = witness.ticket("store_down", target);
    return now?.diagnosis === "done" && now;
  });
  const answer = ticket.attempts.at(-1)?.diagnosis?.answer;
  expect(answer).toMatchObject({ verdict: "no_fault", rootCauses: [{ category: "none", target }], proposals: [] });
  expect(answer?.headline).toBe(`${target} was stopped in order: its leaders had been moved off it first`);
  await store.restart();
  await witness.closes("store_down", target);
  await witness.allWell();
  expect(said.tickets()).toEqual([ticket.id]);
}, 180_000);

test("a rolling restart under silences: tickets open and close as ever, and no job is sent for them", async () => {
  const { witness, stack } = stage;
  const said = fromHere();
  const silences = await (await stack.connect("cli")).bucket("silences", Silence);
  const nowMs = Date.now();
  const about = { subject: "tikv", atMs: nowMs, untilMs: nowMs + 600_000, by: "ada", reason: "a rolling restart" };
  const added = members.map((member) =>
    Silence.parse({ ...about, id: randomBytes(4).toString("hex"), target: stage.store(member) }),
  );
  for (const silence of added) await silences.create(silence.id, silence);
  // A silence holds within a second.
  await witness.throughout("nothing is said", () => said.tickets().length === 0, 2_000);
  for (const member of members) {
    const store = stack.member(member);
    store.signal("SIGTERM");
    await store.exited;
    await witness.opens("store_down", stage.store(member));
    await store.restart();
    expect((await witness.closes("store_down", stage.store(member))).closedBy).toBe("observation");
    await witness.allWell();
  }
  for (const { id } of added) await silences.remove(id);
  const diagnoses = () => witness.diagnoses.filter(({ ticket }) => said.tickets().includes(ticket));
  // What waited for a silence is looked at every 5 s.
  await witness.throughout("no job is sent", () => diagnoses().length === 0, 6_000);
  const tickets = (await witness.stored()).filter(({ id }) => said.tickets().includes(id));
  expect(tickets.map(({ invariant, target }) => `${invariant} ${target}`).toSorted()).toEqual(
    members.map((member) => `store_down ${stage.store(member)}`).toSorted(),
  );
  for (const { id, status, sent } of tickets)
    expect({ id, status, sent }).toMatchObject({ status: "closed", sent: { attempt: 0 } });
}, 240_000);

test("a store that comes, is decommissioned and ends: nothing is said of it, and in the end it's forgotten", async () => {
  const { witness, stack } = stage;
  const said = fromHere();
  const { spec, address } = fourth;
  const commands = await findCommands([spec]);
  const store = await startSpec(spec, { commands, folder: stack.folder, logFile: stack.logFile("tikv-4") });
  stack.members.set("tikv-4", store);
  const here = async () => {
    const found = (await stores()).find((one) => one.store.address === address);
    if (!found) throw new Error(`PD lists no store at ${address}`);
    return found;
  };
  await expect.poll(async () => (await here()).status.region_count, { timeout: 30_000 }).toBeGreaterThan(3);
  const { id } = (await here()).store;
  const target = `store-${id}`;
  const isWell = () => witness.verdicts?.lines.some((line) => line.target === target && line.state === "ok");
  await witness.until("it's watched", isWell);

  await pd("DELETE", `/store/${id}`);
  await expect.poll(async () => (await here()).store.state_name, { timeout: 40_000 }).toBe("Tombstone");
  const isForgotten = () => witness.verdicts?.lines.every((line) => line.target !== target);
  await witness.until("it's judged no more", isForgotten);
  await store.kill();
  await witness.throughout("nothing is said of it", () => isForgotten() === true, 5_000);
  await pd("DELETE", "/stores/remove-tombstone");
  await witness.throughout("nothing is said of it", () => isForgotten() === true, 5_000);
  await witness.allWell();
  expect(said.broken()).toEqual([]);
  expect(said.tickets()).toEqual([]);
}, 180_000);

const Stores = z.object({
  stores: z.array(
    z.object({
      store: z.object({ id: z.int(), address: z.string(), state_name: z.string() }),
      status: z.object({ region_count: z.int() }),
    }),
  ),
});

async function stores() {
  return Stores.parse(await pd("GET", "/stores?state=0&state=1&state=2")).stores;
}

/** Asks PD, as a person would. */
async function pd(method: "GET" | "DELETE", path: string): Promise<unknown> {
  const [url = ""] = stage.stack.environment["TIKV_PD_ENDPOINTS"]?.match(/http:[^,]+/) ?? [];
  const response = await fetch(`${url}/pd/api/v1${path}`, { method });
  if (!response.ok) throw new Error(`PD says ${response.status} to ${method} ${path}: ${await response.text()}`);
  return await response.json();
}
