import { decodeJson } from "./exact-json.ts";
import type { Log } from "./log.ts";
import type { Coordinator } from "./pd-coordinator.ts";
import { json, type Routes } from "./server.ts";
import { Register, type Registration, RegionHeartbeats, StoreHeartbeats } from "./wire.ts";

/** What TiKV tells PD's leader; gRPC on the same port in a real one. */
export function tikvRoutes(coordinator: Coordinator, log: Log): Routes {
  const { cluster } = coordinator;
  return {
    "POST /simulator/register": async ({ body }) => {
      const registrations = Register.parse(decodeJson(body)).stores;
      const stores = await Promise.all(registrations.map((registration) => cluster.register(registration)));
      stores.forEach((registered, at) => {
        const about = registrations[at];
        if (about !== undefined && "storeId" in registered)
          log("INFO", "grpc_service.go:876", "put store ok", { store: storeText(registered.storeId, about) });
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

/** As PD's log writes a store: protobuf's text. */
function storeText(
  id: number,
  { address, version, statusAddress, gitHash, startTimestamp, deployPath }: Registration,
): string {
  const texts = Object.entries({
    address,
    version,
    peer_address: address,
    status_address: statusAddress,
    git_hash: gitHash,
    start_timestamp: startTimestamp,
    deploy_path: deployPath,
  });
  return `id:${id} ${texts.map(([name, value]) => `${name}:${JSON.stringify(value)} `).join("")}`;
}
