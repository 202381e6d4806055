import { Agent, request } from "undici";
import { pdJson, notBootstrapped } from "./pd-answer.ts";
import type { Log } from "./log.ts";
import type { Leadership } from "./pd-leadership.ts";
import { redirectErrors, unknownPath } from "./pd-routes-members.ts";
import type { Answer, Asked, Handler } from "./server.ts";
import type { TimeScale } from "./time-scale.ts";

/** How long a member waits for somebody to lead before it says that nobody does. */
const noLeaderMs = 3_000;
const proxyMs = 30_000;
/** What a member says about the cluster before the first store came. */
const clusterPaths =
  /^\/pd\/api\/v1\/(stores?|regions?|operators|schedulers|scheduler-config|hotspot|stats|min-resolved-ts|replication_mode)(\/|$)/;
const local =
  /^(?:GET \/pd\/api\/v1\/(?:ping|version|status|health|config)|POST \/pd\/api\/v1\/admin\/log|GET \/pd\/api\/v2\/ready|GET \/metrics)$/;

interface DispatchOptions {
  leadership: Leadership;
  name: string;
  scale: TimeScale;
  log: Log;
  own: Handler;
  /** The leader's routes, while this member leads. */
  leading: () => { handler: Handler; isBootstrapped: boolean } | undefined;
}

/** Who answers a request: this member itself, or its leader through it. A follower never redirects, it proxies. */
export function dispatch({ leadership, name, scale, log, own, leading }: DispatchOptions): Handler {
  const agent = new Agent({ connect: { timeout: 10_000 }, headersTimeout: proxyMs, bodyTimeout: proxyMs });

  return async (asked) => {
    const leads = leadership.isServing ? leading() : undefined;
    if (asked.path.startsWith("/simulator/")) return leads === undefined ? notTheLeader() : await leads.handler(asked);
    if (local.test(`${asked.method} ${asked.path}`)) return await own(asked);
    if (!asked.path.startsWith("/pd/")) return unknownPath(asked);
    if (leads !== undefined) return await answer(asked, leads);
    if (!leadership.quorum.hasJoined) return redirectErrors.notStarted();
    if (asked.headers["pd-redirector"] !== undefined) return redirectErrors.notLeader();
    if (asked.headers["pd-allow-follower-handle"] !== undefined && clusterPaths.test(asked.path))
      return pdJson(notBootstrapped, 500);
    return await viaLeader(asked);
  };

  async function answer(asked: Asked, { handler, isBootstrapped }: { handler: Handler; isBootstrapped: boolean }) {
    if (!isBootstrapped && clusterPaths.test(asked.path)) return pdJson(notBootstrapped, 500);
    if (asked.method !== "GET") audit(log, asked);
    try {
      return await handler(asked);
    } catch (error) {
      // It stopped leading while it wrote.
      return pdJson(error instanceof Error ? error.message : String(error), 500);
    }
  }

  async function viaLeader(asked: Asked): Promise<Answer | "drop"> {
    const deadlineMs = Date.now() + scale.wait(noLeaderMs);
    for (;;) {
      const { leader } = leadership;
      if (leader !== undefined && leader.name !== name) return await proxy(asked, leader.clientUrl);
      if (leadership.isServing)
        return await answer(asked, leading() ?? { handler: unknownPath, isBootstrapped: false });
      if (Date.now() > deadlineMs) return redirectErrors.noLeader();
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  /** Errors of the leader are passed on as they are; one that doesn't answer at all is an error of this member. */
  async function proxy(asked: Asked, url: string): Promise<Answer> {
    try {
      const response = await request(`${url}${asked.path}${asked.search}`, {
        dispatcher: agent,
        method: methodOf(asked.method),
        headers: {
          ...passed(asked),
          "PD-Redirector": name,
          "X-Forwarded-For": asked.from.host,
          "X-Forwarded-Port": String(asked.from.port),
        },
        ...(asked.method === "GET" ? {} : { body: asked.body }),
      });
      const type = response.headers["content-type"];
      return {
        status: response.statusCode,
        body: await response.body.text(),
        ...(typeof type === "string" ? { type } : {}),
      };
    } catch {
      return redirectErrors.failed();
    }
  }
}

/** Every change by the API, with who says to have sent it. */
function audit(log: Log, asked: Asked): void {
  const caller = asked.headers["x-caller-id"] ?? "anonymous";
  const host = String(asked.headers["x-forwarded-for"] ?? asked.from.host);
  const about = [
    `ServiceLabel:${serviceLabel(asked)}`,
    `Method:HTTP/1.1/${asked.method}:${asked.path}`,
    `CallerID:${String(caller)}`,
    `IP:${host}`,
    `Port:${asked.from.port}`,
    `StartTime:${new Date().toISOString().slice(0, 19).replace("T", " ")} +0000 UTC`,
    `URLParam:{${asked.search.slice(1)}}`,
    `BodyParam:${asked.body}`,
  ];
  log("INFO", "audit.go:135", "audit log", { "service-info": `{${about.join(", ")}}` });
}

function serviceLabel({ method, path }: Asked): string {
  const labels: [RegExp, string][] = [
    [/^POST \/pd\/api\/v1\/config/, "SetConfig"],
    [/^POST \/pd\/api\/v1\/operators/, "CreateOperator"],
    [/^DELETE \/pd\/api\/v1\/operators/, "DeleteOperator"],
    [/^POST \/pd\/api\/v1\/schedulers\//, "PauseOrResumeScheduler"],
    [/^POST \/pd\/api\/v1\/schedulers$/, "CreateScheduler"],
    [/^DELETE \/pd\/api\/v1\/schedulers/, "DeleteScheduler"],
    [/^POST \/pd\/api\/v1\/leader\/resign/, "ResignLeader"],
    [/^POST \/pd\/api\/v1\/leader\/transfer/, "TransferLeader"],
    [/^DELETE \/pd\/api\/v1\/stores\/remove-tombstone/, "RemoveTombStone"],
    [/^DELETE \/pd\/api\/v1\/store\//, "DeleteStore"],
    [/^POST \/pd\/api\/v1\/store\/\d+\/state/, "SetStoreState"],
    [/^POST \/pd\/api\/v1\/store\/\d+\/weight/, "SetStoreWeight"],
    [/^POST \/pd\/api\/v1\/store\/\d+\/limit/, "SetStoreLimit"],
    [/^POST \/pd\/api\/v1\/regions\/split/, "SplitRegions"],
  ];
  return labels.find(([pattern]) => pattern.test(`${method} ${path}`))?.[1] ?? "Other";
}

function notTheLeader(): Answer {
  return { status: 421, type: "application/json", body: "null" };
}

function methodOf(method: string): "GET" | "POST" | "DELETE" | "PUT" {
  return method === "POST" || method === "DELETE" || method === "PUT" ? method : "GET";
}

function passed(asked: Asked): Record<string, string> {
  const names = ["content-type", "accept", "x-caller-id", "user-agent"];
  return Object.fromEntries(
    names.flatMap((name) => {
      const value = asked.headers[name];
      return typeof value === "string" ? [[name, value]] : [];
    }),
  );
}
