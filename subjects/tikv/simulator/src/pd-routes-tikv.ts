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
      const registrations = Register.parse(decodeJson(body)).stores;
      const stores = await Promise.all(registrations.map((registration) => cluster.register(registration)));
      stores.forEach((registered, at) => {
        const { address, version, statusAddress } = registrations[at] ?? {};
        if (!("storeId" in registered)) return;
        log("INFO", "grpc_service.go:876", "put store ok", {
          store: `id:${registered.storeId} address:"${address}" version:"${version}" status_address:"${statusAddress}"`,
        });
      });
      return json({ clusterId: String(cluster.clusterId), stores });
    },
    "POST /simulator/store-heartbeats": async ({ body }) => {
      const { stores } = StoreHeartbeats.parse(decodeJson(body));
      await Promise.all(stores.map((heartbeat) => cluster.storeHeartbeat(heartbeat)));
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
