import type { ProcessSpec } from "@operator/subject/processes";
import { z } from "zod";

/** Where the first of a process's stores listens; its status port is the next one. */
const firstPort = 20_000;
/** As Prometheus has it unless told: every second would take more of the machine than what is measured. */
const scrapeSeconds = 15;

const ScrapeConfig = z.looseObject({ scrape_configs: z.array(z.unknown()) });

/**
 * Makes a cluster of so many stores of the simulated one: the processes `hosts` are as many of them as there are beside
 * the other processes' single stores. Each host has a loopback address of its own, so that no port is another's.
 */
export function manyStores(stores: number, given: { hosts: readonly string[]; singles: number; regions: number }) {
  const { hosts, singles, regions } = given;
  const each = Math.ceil((stores - singles) / hosts.length);
  const hosted = hosts.map((name, at) => {
    const host = `127.0.1.${at + 1}`;
    const count = Math.min(each, stores - singles - at * each);
    const ports = Array.from({ length: count }, (_, store) => firstPort + 2 * store);
    return { name, host, pairs: ports.map((port) => ({ address: `${host}:${port}`, status: `${host}:${port + 1}` })) };
  });

  return (spec: ProcessSpec): ProcessSpec => {
    const own = hosted.find(({ name }) => name === spec.name);
    if (own) {
      const environment = {
        ...spec.environment,
        TIKV_SIMULATOR_HOST: own.host,
        TIKV_SIMULATOR_STORES: own.pairs.map(({ address, status }) => `${address}=${status}`).join(","),
      };
      return { ...spec, environment, ready: { url: `http://${own.pairs.at(-1)?.status}/status` } };
    }
    if (spec.kind === "pd") {
      const sizes = { TIKV_SIMULATOR_STORE_COUNT: String(stores), TIKV_SIMULATOR_REGIONS: String(regions) };
      return { ...spec, environment: { ...spec.environment, ...sizes } };
    }
    if (spec.name === "load") {
      const rates = { TIKV_SIMULATOR_PUTS_PER_S: String(stores * 4), TIKV_SIMULATOR_GETS_PER_S: String(stores * 6) };
      return { ...spec, environment: { ...spec.environment, ...rates } };
    }
    if (spec.kind !== "prometheus") return spec;
    const statuses = hosted.flatMap(({ pairs }) => pairs.map(({ status }) => status));
    const files = Object.entries(spec.files ?? {}).map(([name, text]) => [name, withStores(text, statuses)] as const);
    return { ...spec, files: Object.fromEntries(files) };
  };
}

/** The same Prometheus with a further job for these status addresses. */
function withStores(text: string, targets: string[]): string {
  const { scrape_configs, ...rest } = ScrapeConfig.parse(JSON.parse(text));
  const interval = { scrape_interval: `${scrapeSeconds}s`, scrape_timeout: `${scrapeSeconds}s` };
  const job = { job_name: "tikv-many", ...interval, static_configs: [{ targets }] };
  return JSON.stringify({ ...rest, scrape_configs: [...scrape_configs, job] });
}
