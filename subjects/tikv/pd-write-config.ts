import { z } from "zod";
import { PdError } from "./pd-error.ts";
import { schedulePath } from "./pd-schedule.ts";
import type { PdWriter } from "./pd-write.ts";

const Schedule = z.record(z.string(), z.unknown());

/** A number of PD's schedule config, e.g. `leader-schedule-limit`. */
export async function readScheduleValue(pd: PdWriter, key: string): Promise<number> {
  const value = (await pd.read(schedulePath, Schedule))[key];
  if (typeof value === "number") return value;
  throw new Error(`PD's ${key} is ${JSON.stringify(value)}: a number was expected`);
}

/**
 * Sets a number of PD's schedule config and reads it back. By `POST /config`: `/config/schedule` says 200 to keys that it
 * doesn't know.
 */
export async function setScheduleValue(pd: PdWriter, key: string, value: number): Promise<void> {
  let lost: PdError | undefined;
  try {
    await pd.write("POST", "/pd/api/v1/config", { [key]: value });
  } catch (error) {
    if (!(error instanceof PdError && error.isUnknown)) throw error;
    lost = error;
  }
  const kept = await readScheduleValue(pd, key);
  if (kept === value) return;
  throw lost ?? new Error(`PD accepted ${key} = ${value}, and says ${kept} when it's read back`);
}
