import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePorts } from "@operator/stack/free-port";
import { z } from "zod";
import { decodeJson } from "./exact-json.ts";
import { until } from "./until.fixture.ts";

const StoresAnswer = z.object({
  count: z.int(),
  stores: z.array(
    z.object({
      store: z.looseObject({ id: z.int(), address: z.string(), state_name: z.string() }),
      status: z.looseObject({ leader_count: z.int(), region_count: z.int() }),
    }),
  ),
});

/** A real simulated cluster. A process `tikv-<n>` hosts one store, unless told. What isn't said has its default; everything ends with it. */
export async function startCluster({
  scale = 1,
  stores = 3,
  regions = 30,
  storesPerProcess = 1,
  withWorkload = false,
} = {}) {
  const ports = await freePorts(3 * 2 + stores * 2 + 1);
  const port = () => ports.shift() ?? 0;
  const folder = mkdtempSync(join(tmpdir(), "tikv-simulator-"));
  const pds = ["pd-1", "pd-2", "pd-3"].map((name) => ({
    name,
    url: `http://127.0.0.1:${port()}`,
    peerUrl: `http://127.0.0.1:${port()}`,
  }));
  const tikvs = Array.from({ length: stores }, (_, at) => ({
    name: `tikv-${at + 1}`,
    address: `127.0.0.1:${port()}`,
    status: `127.0.0.1:${port()}`,
  }));
  const workloadPort = port();
  const members = new Map<string, Member>();
  const shared = { TIKV_SIMULATOR_TIME_SCALE: String(scale) };
  const pdUrls = pds.map(({ url }) => url).join(",");

  for (const { name, url } of pds)
    members.set(
      name,
      new Member("pd.ts", {
        ...shared,
        TIKV_SIMULATOR_NAME: name,
        TIKV_SIMULATOR_CLIENT_URL: url,
        TIKV_SIMULATOR_INITIAL_CLUSTER: pds.map(({ name, peerUrl }) => `${name}=${peerUrl}`).join(","),
        TIKV_SIMULATOR_DATA: join(folder, name),
        TIKV_SIMULATOR_STORE_COUNT: String(Math.max(stores, 3)),
        TIKV_SIMULATOR_REGIONS: String(regions),
      }),
    );
  for (let first = 0; first < tikvs.length; first += storesPerProcess) {
    const hosted = tikvs.slice(first, first + storesPerProcess);
    const name = `tikv-${first / storesPerProcess + 1}`;
    members.set(
      name,
      new Member("tikv.ts", {
        ...shared,
        TIKV_SIMULATOR_STORES: hosted.map(({ address, status }) => `${address}=${status}`).join(","),
        TIKV_SIMULATOR_PD: pdUrls,
        TIKV_SIMULATOR_DATA: join(folder, name),
      }),
    );
  }
  if (withWorkload)
    members.set(
      "load",
      new Member("workload.ts", { ...shared, TIKV_SIMULATOR_PD: pdUrls, TIKV_SIMULATOR_PORT: String(workloadPort) }),
    );

  const member = (name: string): Member => {
    const found = members.get(name);
    if (found === undefined) throw new Error(`no member "${name}": there are ${[...members.keys()].join(", ")}`);
    return found;
  };
  /** Of PD member number `nth` (from 1), whether it leads or not. */
  const pd = (path: string, nth = 1) => ask("GET", `${pds[nth - 1]?.url}/pd/api/v1${path}`);
  const storesNow = async (nth = 1) => StoresAnswer.parse((await pd("/stores?state=0&state=1", nth)).body).stores;
  const storeOf = async (name: string, nth = 1) => {
    const { address } = tikvs.find((tikv) => tikv.name === name) ?? {};
    const found = (await storesNow(nth)).find(({ store }) => store.address === address);
    if (found === undefined) throw new Error(`PD lists no store at ${address}`);
    return found;
  };

  /** PD's name for how a store is, with what it may be: after as long a silence as there was before the question, and after the answer. */
  const stateOf = async (name: string, nth = 1) => {
    const askedMs = Date.now();
    const { store } = await storeOf(name, nth);
    const heardMs = Number(store["last_heartbeat"]) / 1e6;
    const named = (atMs: number) => {
      const silentS = ((atMs - heardMs) * scale) / 1_000;
      return silentS > 1_800 ? "Down" : silentS > 20 ? "Disconnected" : "Up";
    };
    // A heartbeat's time is rounded to a millisecond.
    return { state: store.state_name, allowed: [named(askedMs - 1), named(Date.now() + 1)] };
  };

  return {
    pds,
    tikvs,
    member,
    pd,
    storesNow,
    storeOf,
    stateOf,
    folder,
    workloadUrl: `http://127.0.0.1:${workloadPort}`,
    start: (name: string) => member(name).start(),
    async startAll(): Promise<number> {
      for (const started of members.values()) started.start();
      let seen = "";
      const isAllThere = async () => {
        try {
          const found = await storesNow();
          const schedulers = z.array(z.string()).parse((await pd("/schedulers")).body);
          const leaders = found.reduce((sum, { status }) => sum + status.leader_count, 0);
          const states = found.map(({ store, status }) => `${store.state_name} leads ${status.leader_count}`);
          seen = `: ${states.join(", ")} of ${regions}; ${schedulers.length} schedulers`;
          return (
            found.length >= stores &&
            found.every(({ store }) => store.state_name === "Up") &&
            leaders === regions &&
            schedulers.length === 5
          );
        } catch (error) {
          seen = `: ${String(error)}`;
          return false;
        }
      };
      return await until("all stores are up and all regions led", isAllThere, undefined, () => seen);
    },
    async [Symbol.asyncDispose]() {
      for (const { kill } of members.values()) await kill();
      rmSync(folder, {
        recursive: true,
        force: true,
      });
    },
  };
}

export type ClusterFixture = Awaited<ReturnType<typeof startCluster>>;

/** A member's process, which may end and begin again at the same place. */
class Member {
  output = "";
  readonly #file: string;
  readonly #environment: Record<string, string>;
  #child: ChildProcess | undefined;

  constructor(file: string, environment: Record<string, string>) {
    this.#file = join(import.meta.dirname, file);
    this.#environment = environment;
  }

  start(): void {
    const compileCache = process.env["NODE_COMPILE_CACHE"];
    const child = spawn(process.execPath, [this.#file], {
      env: {
        PATH: process.env["PATH"] ?? "",
        ...(compileCache === undefined ? {} : { NODE_COMPILE_CACHE: compileCache }),
        ...this.#environment,
      },
      stdio: ["ignore", "pipe", "pipe"],
    });
    for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk) => (this.output += String(chunk)));
    this.#child = child;
  }

  get pid(): number {
    return this.#child?.pid ?? 0;
  }

  get isRunning(): boolean {
    return this.#child !== undefined && this.#child.exitCode === null && this.#child.signalCode === null;
  }

  signal = (signal: NodeJS.Signals): void => {
    this.#child?.kill(signal);
  };

  kill = async (): Promise<void> => {
    if (this.#child === undefined || !this.isRunning) return;
    const exited = once(this.#child, "exit");
    this.#child.kill("SIGKILL");
    await exited;
  };
}

export interface Answered {
  status: number;
  type: string;
  text: string;
  /** Parsed where it's JSON. */
  body: unknown;
}

/** One request; an answer that takes longer than `withinMs` is an error. */
export async function ask(
  method: string,
  url: string,
  options: { body?: string; headers?: Record<string, string>; withinMs?: number } = {},
): Promise<Answered> {
  const response = await fetch(url, {
    method,
    ...(options.body === undefined ? {} : { body: options.body }),
    ...(options.headers === undefined ? {} : { headers: options.headers }),
    signal: AbortSignal.timeout(options.withinMs ?? 5_000),
  });
  const text = await response.text();
  let body: unknown;
  try {
    body = decodeJson(text);
  } catch {
    body = undefined;
  }
  return { status: response.status, type: response.headers.get("content-type") ?? "", text, body };
}
