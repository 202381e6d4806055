import { PdError } from "./pd-error.ts";
import { PdEvictList, PdSchedulers, schedulersPath } from "./pd-schedule.ts";
import type { PdWriter } from "./pd-write.ts";

/** The names of PD's schedulers; of one that acts on certain stores the name stands once. */
export async function schedulersOf(pd: PdWriter): Promise<string[]> {
  return await pd.read(schedulersPath, PdSchedulers);
}

/** The ids of the stores that a scheduler like `evict-leader-scheduler` acts on; none where there's no such scheduler. */
export async function storesOf(pd: PdWriter, scheduler: string): Promise<string[]> {
  if (!(await schedulersOf(pd)).includes(scheduler)) return [];
  return await pd.read(`/pd/api/v1/scheduler-config/${scheduler}/list`, PdEvictList);
}

/** Adds a scheduler, or one more store to it. Done twice it's the same. */
export async function addScheduler(pd: PdWriter, name: string, storeId?: string): Promise<void> {
  const body = { name, ...(storeId !== undefined && { store_id: BigInt(storeId) }) };
  const isThere = async () =>
    storeId === undefined ? (await schedulersOf(pd)).includes(name) : (await storesOf(pd, name)).includes(storeId);
  // `ErrPauseLeaderTransfer`: somebody holds the store already, and that may be this very scheduler.
  await unlessSo(isThere, () => pd.write("POST", schedulersPath, body));
}

/** Removes a scheduler, or one store from it. Done twice it's the same. */
export async function removeSchedulerFrom(pd: PdWriter, name: string, storeId?: string): Promise<void> {
  const isGone = async () =>
    storeId === undefined ? !(await schedulersOf(pd)).includes(name) : !(await storesOf(pd, name)).includes(storeId);
  const path = `${schedulersPath}/${encodeURIComponent(storeId === undefined ? name : `${name}-${storeId}`)}`;
  // v8.5.5 breaks the connection where its own call to the scheduler fails.
  await unlessSo(isGone, () => pd.write("DELETE", path));
  if (!(await isGone())) throw new Error(`PD accepted the removal of ${path}, and it's still there`);
}

/** Of a write that failed it's read whether it's as it should be all the same. */
async function unlessSo(isSo: () => Promise<boolean>, write: () => Promise<void>): Promise<void> {
  try {
    await write();
  } catch (error) {
    if (!(error instanceof PdError) || !(await isSo())) throw error;
  }
}
