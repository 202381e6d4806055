import { decodeJson } from "./exact-json.ts";
import type { Log } from "./log.ts";
import type { Coordinator } from "./pd-coordinator.ts";
import { json, type Routes } from "./server.ts";
import { Register, RegionHeartbeats, StoreHeartbeats } from "./wire.ts";

/** What TiKV tells PD's leader; gRPC on the same port in a real one. */
export function tikvRoutes(coordinator: Coordinator, log: Log): Routes {
  const { cluster } = coordinator;
  return {
    "POST /simulator/register": async ({ body }) => {
      const stores = [];
      for (const registration of Register.parse(decodeJson(body)).stores) {
        const registered = await cluster.register(registration);
        stores.push(registered);
        if ("storeId" in registered)
          log("INFO", "grpc_service.go:876", "put store ok", {
            store: `id:${registered.storeId} address:"${registration.address}" version:"${registration.version}" status_address:"${registration.statusAddress}"`,
          });
      }
      return json({ clusterId: String(cluster.clusterId), stores });
    },
    "POST /simulator/store-heartbeats": async ({ body }) => {
      for (const heartbeat of StoreHeartbeats.parse(decodeJson(body)).stores) await cluster.storeHeartbeat(heartbeat);
      return json({ directoryVersion: cluster.directoryVersion });
    },
    "POST /simulator/region-heartbeats": async ({ body }) => {
      const { regions } = RegionHeartbeats.parse(decodeJson(body));
      await Promise.all(regions.map((heartbeat) => coordinator.regionHeartbeat(heartbeat)));
      return json({});
    },
    "POST /simulator/directory": () =>
      json({
        stores: [...cluster.stores.values()].map(({ meta }) => ({
          id: meta.id,
          address: meta.address,
          process: meta.process,
        })),
      }),
  };
}
