import { notFound, parseId, pdInputError, pdJson, pdStream, readObject } from "./pd-answer.ts";
import type { Region } from "./pd-cluster.ts";
import type { Coordinator } from "./pd-coordinator.ts";
import { splitOf } from "./pd-operator-input.ts";
import { regionAnswer, regionChecks, regionsAnswer } from "./pd-region-answer.ts";
import type { noCounts } from "./pd-store-answer.ts";
import { countsOf, sizeMiB } from "./pd-store-answer.ts";
import type { Routes } from "./server.ts";

const flowLimit = 16;
const flowLimitMax = 10_240;

/** `/regions…`, `/region/…`, `/stats/region`, `/hotspot/…`. */
export function regionRoutes(coordinator: Coordinator): Routes {
  const { cluster, hotspots } = coordinator;
  const all = () => [...cluster.regions.values()];
  const busiest = (query: URLSearchParams, of: (region: Region) => number) => {
    const limit = Math.min(Number(query.get("limit") ?? flowLimit) || flowLimit, flowLimitMax);
    return pdStream(
      regionsAnswer(
        all()
          .sort((a, b) => of(b) - of(a))
          .slice(0, limit),
      ),
    );
  };

  return {
    "GET /pd/api/v1/regions": () => pdStream(regionsAnswer(all())),
    "GET /pd/api/v1/regions/count": () => pdJson({ count: cluster.regions.size, regions: null }),
    "GET /pd/api/v1/regions/writeflow": ({ query }) => busiest(query, ({ report }) => report?.flow.writtenBytes ?? 0),
    "GET /pd/api/v1/regions/readflow": ({ query }) => busiest(query, ({ report }) => report?.flow.readBytes ?? 0),
    "GET /pd/api/v1/regions/check/:check": ({ params }) => {
      const finds = regionChecks[params["check"] ?? ""];
      return finds === undefined
        ? notFound()
        : pdStream(regionsAnswer(all().filter((region) => finds(region, cluster))));
    },
    "GET /pd/api/v1/regions/store/:id": ({ params }) => {
      const parsed = parseId(params["id"] ?? "");
      if ("error" in parsed) return pdInputError(parsed.error);
      return pdStream(regionsAnswer(all().filter(({ meta }) => meta.peers.some(({ store }) => store === parsed.id))));
    },
    "POST /pd/api/v1/regions/split": async ({ body }) => {
      const read = readObject(body);
      if ("complaint" in read) return read.complaint;
      const keys = read.object["split_keys"];
      if (!Array.isArray(keys) || keys.length === 0) return pdJson("split_keys should be provided.", 400);
      const made: number[] = [];
      for (const key of keys.map(String)) {
        const region = all().find(({ meta }) => isWithin(meta, key.toUpperCase()));
        if (region === undefined) continue;
        const wanted = await splitOf(cluster, region, key.toUpperCase(), "split-region");
        if (!coordinator.operators.add(wanted)) continue;
        const step = wanted.steps[0];
        if (step?.kind === "split" && (await appears(() => cluster.regions.has(step.region)))) made.push(step.region);
      }
      return pdJson({ "processed-percentage": Math.round((made.length / keys.length) * 100), "regions-id": made });
    },
    "GET /pd/api/v1/region/id/:id": ({ params }) => {
      const parsed = parseId(params["id"] ?? "");
      if ("error" in parsed) return pdJson(parsed.error, 400);
      const region = cluster.regions.get(parsed.id);
      return region === undefined
        ? pdJson(`[PD:region:ErrRegionNotFound]region ${params["id"]} not found`, 404)
        : pdJson(regionAnswer(region));
    },
    "GET /pd/api/v1/region/key/:key": ({ params, query }) => {
      const given = params["key"] ?? "";
      const key =
        query.get("format") === "hex" ? given.toUpperCase() : Buffer.from(given).toString("hex").toUpperCase();
      const region = all().find(({ meta }) => isWithin(meta, key));
      return region === undefined ? pdJson(null) : pdJson(regionAnswer(region));
    },
    "GET /pd/api/v1/stats/region": () => {
      const counts = countsOf(cluster);
      // Stores that lead nothing aren't among the leaders' counts.
      const by = (
        of: (count: ReturnType<typeof noCounts>) => number,
        isShown: (count: ReturnType<typeof noCounts>) => boolean,
      ) => Object.fromEntries([...counts].filter(([, count]) => isShown(count)).map(([id, count]) => [id, of(count)]));
      const leads = ({ leaders }: ReturnType<typeof noCounts>) => leaders > 0;
      const keeps = ({ regions }: ReturnType<typeof noCounts>) => regions > 0;
      const sizes = all().map(({ report }) => sizeMiB(report?.claim.sizeBytes));
      return pdJson({
        count: cluster.regions.size,
        empty_count: sizes.filter((size) => size <= 1).length,
        storage_size: sizes.reduce((sum, size) => sum + size, 0),
        user_storage_size: 0,
        storage_keys: Math.round(all().reduce((sum, { report }) => sum + (report?.claim.keys ?? 0), 0)),
        store_leader_count: by(({ leaders }) => leaders, leads),
        store_peer_count: by(({ regions }) => regions, keeps),
        store_leader_size: by(({ leaderSize }) => leaderSize, leads),
        store_leader_keys: by(({ leaderKeys }) => Math.round(leaderKeys), leads),
        store_peer_size: by(({ regionSize }) => regionSize, keeps),
        store_peer_keys: by(({ regionKeys }) => Math.round(regionKeys), keeps),
      });
    },
    "GET /pd/api/v1/hotspot/regions/write": () => pdJson(hotspots.answer("write")),
    "GET /pd/api/v1/hotspot/regions/read": () => pdJson(hotspots.answer("read")),
    "GET /pd/api/v1/hotspot/stores": () => pdJson(hotspots.stores()),
  };
}

function isWithin({ startKey, endKey }: { startKey: string; endKey: string }, key: string): boolean {
  return startKey <= key && (endKey === "" || key < endKey);
}

/** Within two seconds. */
async function appears(holds: () => boolean): Promise<boolean> {
  for (let attempt = 0; attempt < 100 && !holds(); attempt++) await new Promise((resolve) => setTimeout(resolve, 20));
  return holds();
}
