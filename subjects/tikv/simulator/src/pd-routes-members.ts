import { uint64 } from "./exact-json.ts";
import { notFound, pdJson, pdText, readObject } from "./pd-answer.ts";
import type { Coordinator } from "./pd-coordinator.ts";
import type { Leadership } from "./pd-leadership.ts";
import { gitHash, memberLong, memberShort, type PdMember, pdVersion } from "./pd-member.ts";
import type { Answer, Asked, Routes } from "./server.ts";

/** What PD's leader answers about its members and the cluster as a whole. */
export function memberRoutes(leadership: Leadership, own: PdMember, coordinator: Coordinator): Routes {
  const { cluster } = coordinator;
  const noHeir = () => pdJson("no valid pd to transfer etcd leader", 500);

  return {
    "GET /pd/api/v1/members": () => {
      const etcdLeader = leadership.member(leadership.quorum.leader ?? "") ?? own;
      return pdJson({
        header: { cluster_id: uint64(cluster.clusterId) },
        members: leadership.members.map(memberLong),
        leader: memberLong(own),
        etcd_leader: memberLong(etcdLeader),
      });
    },
    "GET /pd/api/v1/leader": () => pdJson(memberShort(own)),
    "POST /pd/api/v1/leader/resign": async () =>
      (await leadership.resign()) ? pdJson("The resign command is submitted.") : noHeir(),
    "POST /pd/api/v1/leader/transfer/:name": async ({ params }) => {
      const { name = "" } = params;
      if (name !== own.name && !(await leadership.resign(name))) return noHeir();
      return pdJson("The transfer command is submitted.");
    },
    "POST /pd/api/v1/members/name/:name": ({ params, body }) => {
      const read = readObject(body);
      if ("complaint" in read) return read.complaint;
      const isMember = leadership.members.some(({ name }) => name === params["name"]);
      return isMember ? pdJson("success") : pdJson(`not found, pd: ${params["name"]}`, 404);
    },
    "DELETE /pd/api/v1/members/name/:name": ({ params }) => {
      const isMember = leadership.members.some(({ name }) => name === params["name"]);
      // The real one would be smaller by a member then; here all stay.
      return pdJson(
        isMember ? "not supported by the simulator" : `not found, pd: ${params["name"]}`,
        isMember ? 500 : 404,
      );
    },
    "GET /pd/api/v1/cluster": () => pdJson({ id: uint64(cluster.clusterId), max_peer_count: cluster.maxReplicas }),
    "GET /pd/api/v1/cluster/status": () =>
      pdJson({
        raft_bootstrap_time:
          cluster.bootstrappedAtMs === undefined
            ? "0001-01-01T00:00:00Z"
            : new Date(cluster.bootstrappedAtMs).toISOString(),
        is_initialized: cluster.regions.size > 1,
        replication_status: "",
      }),
    "GET /pd/api/v1/min-resolved-ts": () =>
      pdJson({
        is_real_time: true,
        min_resolved_ts: uint64(BigInt(Date.now()) << 18n),
        persist_interval: "1s",
        stores_min_resolved_ts: null,
      }),
    "GET /pd/api/v1/replication_mode/status": () =>
      pdJson({ mode: "majority", "dr-auto-sync": { label_key: "", state: "", acid_consistent: false } }),
  };
}

interface LocalOptions {
  leadership: Leadership;
  own: PdMember;
  startedAtMs: number;
  /** The coordinator while this member leads. */
  coordinator: () => Coordinator | undefined;
  config: () => object;
  metrics: () => string;
  /** The wait for a member that doesn't answer. */
  pingWithinMs: number;
}

/** What every member answers itself, leader or not. */
export function localRoutes({
  leadership,
  own,
  startedAtMs,
  coordinator,
  config,
  metrics,
  pingWithinMs,
}: LocalOptions): Routes {
  const isLoaded = () => leadership.quorum.hasLeader && (coordinator() === undefined || hasRegions(coordinator()));
  return {
    "GET /pd/api/v1/ping": () => ({ status: 200 }),
    "GET /pd/api/v1/version": () => pdJson({ version: pdVersion, build_time: "", hash: "", branch: "" }),
    "GET /pd/api/v1/status": () =>
      pdJson({
        build_ts: "None",
        version: pdVersion,
        git_hash: gitHash,
        start_timestamp: Math.floor(startedAtMs / 1e3),
      }),
    "GET /pd/api/v1/health": async () => {
      const asked = leadership.members.map(async (member) => ({
        ...pick(member),
        health: member.name === own.name || (await answersPing(member, pingWithinMs)),
      }));
      return pdJson(await Promise.all(asked));
    },
    "GET /pd/api/v1/config": () => pdJson(config()),
    "POST /pd/api/v1/admin/log": ({ body }) =>
      /^"(debug|info|warn|error|fatal)"\s*$/.test(body)
        ? pdJson("The log level is updated.")
        : pdJson("log level is invalid", 400),
    "GET /pd/api/v2/ready": async ({ query }) => {
      // Without a quorum a real one waits for etcd.
      if (!leadership.quorum.hasLeader) await new Promise((resolve) => setTimeout(resolve, 10_000));
      const status = isLoaded() ? 200 : 500;
      if (!query.has("verbose")) return { status };
      const body = `{\n    "region_loaded": ${isLoaded()}\n}`;
      return { status, type: "application/json; charset=utf-8", body };
    },
    "GET /metrics": () => ({ status: 200, type: "text/plain; version=0.0.4; charset=utf-8", body: metrics() }),
  };
}

/** The answer to what PD doesn't know. */
export function unknownPath({ path }: Asked): Answer {
  // The newer routes are another router's.
  return path.startsWith("/pd/api/v2/") ? { status: 404, type: "text/plain", body: "404 page not found" } : notFound();
}

export const redirectErrors = {
  notLeader: () => pdText(500, "[PD:apiutil:ErrRedirectToNotLeader]redirect to not leader"),
  failed: () => pdText(500, "[PD:apiutil:ErrRedirect]redirect failed"),
  noLeader: () => pdText(503, "[PD:apiutil:ErrRedirectNoLeader]redirect finds no leader"),
  notStarted: () => pdText(500, "[PD:server:ErrServerNotStarted]server not started"),
};

function hasRegions(coordinator: Coordinator | undefined): boolean {
  return coordinator?.cluster.bootstrappedAtMs !== undefined;
}

function pick(member: PdMember) {
  const { name, member_id, client_urls } = memberShort(member);
  return { name, member_id, client_urls };
}

async function answersPing({ clientUrl }: PdMember, withinMs: number): Promise<boolean> {
  return await fetch(`${clientUrl}/pd/api/v1/ping`, { signal: AbortSignal.timeout(withinMs) }).then(
    ({ ok }) => ok,
    () => false,
  );
}
