import type { Observation } from "@operator/subject/observation";
import type { ProbeTarget } from "@operator/subject/probe";
import { httpAsker } from "@operator/subject/probe-http";
import { KnownMembers } from "./known-members.ts";
import { KnownStores } from "./known-stores.ts";
import { hotSource } from "./observe-hot.ts";
import { logsOf } from "./observe-logs.ts";
import { membersSource } from "./observe-members.ts";
import { operatorsSource } from "./observe-operators.ts";
import { prometheusSource } from "./observe-prometheus.ts";
import { scheduleSource } from "./observe-schedule.ts";
import { storesSource } from "./observe-stores.ts";
import { PdClient, pdDispatcher } from "./pd-client.ts";
import { PrometheusClient, prometheusDispatcher } from "./prometheus-client.ts";
import { readSettings } from "./settings.ts";

/** How a TiKV cluster is observed: each store and PD member probed, PD's members, stores, schedulers, operators and busiest regions read, and what Prometheus has of all of them. */
export function observe(environment: Record<string, string | undefined>): Promise<Observation> {
  const settings = readSettings(environment);
  const dispatcher = pdDispatcher();
  const pd = new PdClient(settings.TIKV_PD_ENDPOINTS, dispatcher);
  const members = new KnownMembers(settings.TIKV_PD_ENDPOINTS);
  const stores = new KnownStores();
  const metrics = prometheusDispatcher();
  const prometheusUrl = settings.TIKV_PROMETHEUS_URL;
  return Promise.resolve({
    sources: [
      membersSource(pd, members),
      storesSource(pd, stores),
      scheduleSource(pd),
      operatorsSource(pd),
      hotSource(pd),
      ...(prometheusUrl === undefined
        ? []
        : [prometheusSource(new PrometheusClient(prometheusUrl, metrics), { members, stores })]),
    ],
    probeTargets: () => [
      ...[...members.watched()].map(([target, { url }]) => probe(target, `${url}/pd/api/v1/ping`)),
      ...[...stores.watched()].flatMap(([target, { statusAddress }]) =>
        statusAddress === undefined ? [] : [probe(target, `http://${statusAddress}/status`)],
      ),
    ],
    logs: logsOf(settings.TIKV_LOGS, stores),
    close: async () => {
      await dispatcher.destroy();
      await metrics.destroy();
    },
  });
}

function probe(target: string, address: string): ProbeTarget {
  return { target, address, open: () => httpAsker(address) };
}
