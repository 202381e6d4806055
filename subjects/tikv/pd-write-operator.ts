import { setTimeout as sleep } from "node:timers/promises";
import { NotDone } from "@operator/subject/action";
import { z } from "zod";
import { PdError } from "./pd-error.ts";
import { PdRegion } from "./pd-regions.ts";
import { type PdWriter, unlessAway } from "./pd-write.ts";

const operatorsPath = "/pd/api/v1/operators";
const lookEveryMs = 250;
/** A leader's step has a minute; then PD itself ends it. */
const endsWithinMs = 65_000;

/** The id of the store that leads a region; undefined when PD doesn't know. Throws a PdError for an unknown region. */
export async function leaderOf(pd: PdWriter, regionId: string): Promise<string | undefined> {
  return (await pd.read(`/pd/api/v1/region/id/${regionId}`, PdRegion)).leader?.store_id;
}

/**
 * Has PD run an operator on a region, and follows it to its end: PD's answer only says that it was queued. Resolves with
 * how PD ended it: `SUCCESS`, `TIMEOUT`, `CANCEL`, `EXPIRED`, `REPLACED`.
 */
export async function runOperator(
  pd: PdWriter,
  regionId: string,
  operator: { name: string; region_id: bigint } & Record<string, string | bigint>,
): Promise<{ status: string; tookMs: number }> {
  const startedMs = performance.now();
  // One that has ended stays to be seen for ten minutes, also when PD refuses a new one.
  const before = await operatorOn(pd, regionId);
  const isOurs = (seen: Operator | undefined) =>
    seen !== undefined && seen.createdAt !== before?.createdAt && seen.name === `admin-${operator.name}`;
  try {
    await pd.write("POST", operatorsPath, operator);
  } catch (error) {
    const isSent = error instanceof PdError && error.isUnknown;
    if (!isSent || !isOurs(await operatorOn(pd, regionId))) throw error;
  }
  for (;;) {
    const seen = await unlessAway(operatorOn(pd, regionId));
    const tookMs = Math.round(performance.now() - startedMs);
    if (seen && isOurs(seen) && seen.status !== "RUNNING" && seen.status !== "CREATED" && seen.status !== "STARTED") {
      return { status: seen.status, tookMs };
    }
    if (tookMs > endsWithinMs) {
      const status = seen && isOurs(seen) ? seen.status : "not to be seen";
      throw new Error(`after ${tookMs} ms PD's operator ${operator.name} of region-${regionId} is ${status}`);
    }
    await sleep(lookEveryMs, undefined, { signal: pd.signal });
  }
}

/** The error that an end other than `SUCCESS` is. A store that was asked may do it still, when PD has given it up. */
export function endedOtherwise(status: string, what: string): Error {
  const message = `PD ended ${what} as ${status}`;
  return status === "TIMEOUT" ? new Error(message) : new NotDone("PD_OPERATOR_ENDED", message);
}

interface Operator {
  status: string;
  name: string;
  createdAt: string;
}

/** The operator that a region has, or had lately. */
async function operatorOn(pd: PdWriter, regionId: string): Promise<Operator | undefined> {
  try {
    return parseOperator(await pd.read(`${operatorsPath}/${regionId}`, z.string()));
  } catch (error) {
    if (error instanceof PdError && error.code === "ErrOperatorNotFound") return undefined;
    throw error;
  }
}

/** PD writes it as Go prints it: `status: SUCCESS, operator: admin-split-region {…} (…, createAt:…, startAt:…`. */
function parseOperator(text: string): Operator {
  const [, status, name] = /^status: (\w+), operator: ([\w-]+) /.exec(text) ?? [];
  const [, createdAt] = /, createAt:([^,]+),/.exec(text) ?? [];
  if (status === undefined || name === undefined || createdAt === undefined) {
    throw new Error(`PD's operator can't be read: ${JSON.stringify(text.slice(0, 300))}`);
  }
  return { status, name, createdAt };
}
