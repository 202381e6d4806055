import type { ReadToolHands } from "@operator/subject/read-tool";
import { KnownMembers } from "./known-members.ts";
import { KnownStores } from "./known-stores.ts";
import { PdError } from "./pd-error.ts";
import { membersPath, PdMembers } from "./pd-members.ts";
import { PdStores, storesPath } from "./pd-stores.ts";
import { PrometheusClient, prometheusDispatcher } from "./prometheus-client.ts";
import { withPd } from "./read-pd.ts";
import { readSettings } from "./settings.ts";

/** A Prometheus, and who its instances are. */
export interface Scraped {
  prometheus: PrometheusClient;
  members: KnownMembers;
  stores: KnownStores;
}

/** Asks Prometheus for a read tool; PD is asked before which address is whose. Throws when one of them can't say. */
export async function withPrometheus<Said>(
  hands: ReadToolHands,
  read: (scraped: Scraped) => Promise<Said>,
): Promise<Said> {
  const { TIKV_PD_ENDPOINTS: endpoints, TIKV_PROMETHEUS_URL: url } = readSettings(hands.environment);
  if (url === undefined) throw new Error("no Prometheus is configured: TIKV_PROMETHEUS_URL isn't set");
  const [members, stores] = [new KnownMembers(endpoints), new KnownStores()];
  await learn(hands, members, stores);
  const dispatcher = prometheusDispatcher();
  try {
    return await read({ prometheus: new PrometheusClient(url, dispatcher), members, stores });
  } finally {
    await dispatcher.destroy();
  }
}

async function learn(hands: ReadToolHands, members: KnownMembers, stores: KnownStores): Promise<void> {
  try {
    await withPd(hands, async (pd) => {
      const [listed, all] = await Promise.all([
        pd.get(membersPath, PdMembers, hands.signal),
        pd.get(storesPath, PdStores, hands.signal),
      ]);
      members.learn(listed);
      stores.learn(all.stores ?? []);
    });
  } catch (error) {
    if (!(error instanceof PdError)) throw error;
    throw new Error(`which address is whose only PD knows, and it can't say: ${error.message}`, { cause: error });
  }
}
