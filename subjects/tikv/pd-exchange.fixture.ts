import { readFileSync } from "node:fs";
import { join } from "node:path";
import { type Recorded, recorded, serve, type Serving } from "./recorded.fixture.ts";

/** What a PD of recordings says: per method and path the answers in turn, of which the last one stays. `break`: the connection ends without one. */
export type Script = Record<string, (Recorded | "break")[]>;

/** A PD that answers by a script, and what it was asked to change. */
export interface Exchange extends AsyncDisposable {
  environment: Record<string, string>;
  /** `POST /pd/api/v1/config {"leader-schedule-limit":3}`, in their order. */
  writes: () => string[];
  callers: () => unknown[];
  /** `/pd/api/v1/store/1`, in their order. */
  reads: () => string[];
}

export async function playPd(script: Script): Promise<Exchange> {
  const rest = new Map(Object.entries(script).map(([key, answers]) => [key, [...answers]]));
  const serving: Serving = await serve((request, response) => {
    const answers = rest.get(`${request.method} ${request.url}`) ?? [];
    const answer = answers.length > 1 ? answers.shift() : answers[0];
    if (answer === "break") {
      request.socket.destroy();
      return;
    }
    response.writeHead(answer?.status ?? 404, { "content-type": answer?.contentType ?? "text/plain; charset=utf-8" });
    response.end(answer?.body ?? "404 page not found\n");
  });
  const changes = () => serving.asked.filter(({ method }) => method !== "GET");
  return {
    environment: { TIKV_PD_ENDPOINTS: serving.url },
    writes: () => changes().map(({ method, path, body }) => `${method} ${path}${body === "" ? "" : ` ${body}`}`),
    reads: () => serving.asked.filter(({ method }) => method === "GET").map(({ path }) => path),
    callers: () => changes().map(({ headers }) => headers["x-caller-id"]),
    [Symbol.asyncDispose]: () => serving[Symbol.asyncDispose](),
  };
}

/** PD v8.5.5's own answers. */
export const v8 = (name: string) => recorded(`50-pd-v8.5.5/${name}`);
/** Answers to what wasn't tried on v8.5.5; its source has the same. */
export const v9 = (name: string) => recorded(`01-pd-api-fake-stores/${name}`);

/** What PD said at one time of an operator's life: `recordings/33-operators/ops.tsv`, by the line's number. */
export function operatorAt(line: number): Recorded {
  const lines = readFileSync(join(import.meta.dirname, "recordings", "33-operators", "ops.tsv"), "utf8").split("\n");
  const body = lines[line - 1]?.split(" -> ")[1] ?? "";
  return { ...v8("get-op-region"), path: "/pd/api/v1/operators/22", body };
}

/** A region as `GET /region/id/<id>` gives it, out of PD's list of all; led by another store where one is named. */
export function regionLedBy(id: number, storeId?: number): Recorded {
  const found = new RegExp(`\\{"id":${id},"start_key".*?"approximate_keys":\\d+\\}`).exec(v8("regions").body)?.[0];
  if (found === undefined) throw new Error(`no region ${id} was recorded`);
  const body = storeId === undefined ? found : found.replace(/("leader":\{.*?"store_id":)\d+/, `$1${storeId}`);
  return { ...v8("regions"), path: `/pd/api/v1/region/id/${id}`, body };
}

/** `GET /store/1` with so many leaders. */
export function storeLeading(leaders: number): Recorded {
  const store = v8("store_1");
  return { ...store, body: store.body.replace(/"leader_count": \d+/, `"leader_count": ${leaders}`) };
}

/** PD's schedule config with another leader-schedule-limit. */
export function scheduleOf(limit: number): Recorded {
  const config = v8("config_schedule");
  return { ...config, body: config.body.replace(/"leader-schedule-limit": \d+/, `"leader-schedule-limit": ${limit}`) };
}
