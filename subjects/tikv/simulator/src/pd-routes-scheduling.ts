import { notFound, parseId, pdInputError, pdJson, readObject } from "./pd-answer.ts";
import type { Coordinator } from "./pd-coordinator.ts";
import { operatorObject, operatorText, recordText, statusText } from "./pd-operator.ts";
import { readOperator } from "./pd-operator-input.ts";
import { readUpdate } from "./pd-schedule-config.ts";
import { schedulersConfig } from "./pd-server-config.ts";
import { evictLeader } from "./pd-schedulers.ts";
import type { Answer, Routes } from "./server.ts";

/** `/operators…`, `/schedulers…`, `/scheduler-config/…`. */
export function schedulingRoutes(coordinator: Coordinator, startedAtMs: number): Routes {
  const { cluster, operators, schedulers } = coordinator;
  const withRegion = (given: string | undefined, then: (id: number) => Answer): Answer => {
    const parsed = parseId(given ?? "");
    return "error" in parsed ? pdInputError(parsed.error) : then(parsed.id);
  };
  const none = () => pdJson("[PD:operator:ErrOperatorNotFound]operator not found", 500);
  const noScheduler = () => pdJson("[PD:scheduler:ErrSchedulerNotFound]scheduler not found", 404);

  return {
    "GET /pd/api/v1/operators": ({ query }) => {
      const kinds = query.getAll("kind");
      const shown = [...operators.running.values()].filter(
        ({ kind }) => kinds.length === 0 || kinds.some((wanted) => kind.split(",").includes(wanted)),
      );
      const isObject = query.has("object") && query.get("object") !== "0";
      return pdJson(
        shown.map((operator) => (isObject ? operatorObject(operator) : operatorText(operator, startedAtMs))),
      );
    },
    "POST /pd/api/v1/operators": async ({ body }) => {
      const read = readObject(body);
      if ("complaint" in read) return read.complaint;
      const made = await readOperator(cluster, read.object);
      if ("error" in made) return pdJson(made.error, made.status);
      if (!operators.add(made.wanted))
        return pdJson("[PD:operator:ErrAddOperator]failed to add operator, maybe already have one", 500);
      return pdJson("The operator is created.");
    },
    "DELETE /pd/api/v1/operators": () => {
      for (const id of Array.from(operators.running.keys())) operators.cancel(id);
      return pdJson("All pending operators are canceled.");
    },
    "GET /pd/api/v1/operators/records": ({ query }) => {
      const fromMs = Number(query.get("from") ?? 0) * 1_000;
      const shown = [...operators.ended.values()].filter(({ finishedAtMs = 0 }) => finishedAtMs >= fromMs);
      return pdJson(shown.map((operator) => recordText(operator, startedAtMs)));
    },
    "GET /pd/api/v1/operators/:region": ({ params }) =>
      withRegion(params["region"], (id) => {
        const operator = operators.running.get(id) ?? operators.ended.get(id);
        return operator === undefined ? none() : pdJson(statusText(operator, startedAtMs));
      }),
    "DELETE /pd/api/v1/operators/:region": ({ params }) =>
      withRegion(params["region"], (id) =>
        operators.cancel(id) ? pdJson("The pending operator is canceled.") : none(),
      ),

    "GET /pd/api/v1/schedulers": ({ query }) => {
      const status = query.get("status");
      return pdJson(status === "paused" ? schedulers.paused : status === "disabled" ? [] : schedulers.names);
    },
    "POST /pd/api/v1/schedulers": async ({ body }) => {
      const read = readObject(body);
      if ("complaint" in read) return read.complaint;
      const { name, store_id: store } = read.object;
      if (typeof name !== "string") return pdJson("missing scheduler name", 400);
      const added = await schedulers.add(name, typeof store === "number" ? store : undefined);
      return "error" in added ? pdJson(added.error, added.status) : pdJson(added.text);
    },
    "POST /pd/api/v1/schedulers/:name": ({ params, body }) => {
      const read = readObject(body);
      if ("complaint" in read) return read.complaint;
      const { delay } = read.object;
      if (typeof delay !== "number") return pdJson("missing pause time", 400);
      const { name = "" } = params;
      const named = name === "all" ? schedulers.names : [name];
      if (named.some((name) => !schedulers.names.includes(name))) return noScheduler();
      for (const name of named) schedulers.pause(name, delay);
      return pdJson("Pause or resume the scheduler successfully.");
    },
    "DELETE /pd/api/v1/schedulers/:name": async ({ params }) => {
      const removed = await schedulers.remove(params["name"] ?? "");
      return removed === "not found" ? noScheduler() : pdJson(removed.text);
    },
    "GET /pd/api/v1/scheduler-config/:name/list": ({ params }) => {
      if (!schedulers.names.includes(params["name"] ?? "")) return noScheduler();
      if (params["name"] !== evictLeader) return pdJson({});
      const whole = [{ "end-key": "", "start-key": "" }];
      return pdJson({ "store-id-ranges": Object.fromEntries(cluster.evicting.map((id) => [id, whole])), batch: 3 });
    },

    "GET /pd/api/v1/config/schedule": () => pdJson(schedulersConfig(cluster)),
    "GET /pd/api/v1/config/replicate": () => pdJson(cluster.replication),
    "GET /pd/api/v1/config/rules": () =>
      pdJson([
        {
          group_id: "pd",
          id: "default",
          start_key: "",
          end_key: "",
          role: "voter",
          is_witness: false,
          count: cluster.maxReplicas,
        },
      ]),
    "POST /pd/api/v1/config": async ({ body }) => await update(body),
    "POST /pd/api/v1/config/schedule": async ({ body }) => await update(body, "schedule"),
    "POST /pd/api/v1/config/replicate": async ({ body }) => await update(body, "replication"),
    "GET /pd/api/v1/config/:other": () => notFound(),
  };

  async function update(body: string, only?: "schedule" | "replication"): Promise<Answer> {
    const read = readObject(body);
    if ("complaint" in read) return read.complaint;
    const updated = readUpdate(read.object, only);
    if ("error" in updated) return pdJson(updated.error, 400);
    await cluster.write([{ key: "config", value: { ...cluster.configSet, ...updated.set } }]);
    return pdJson("The config is updated.");
  }
}
