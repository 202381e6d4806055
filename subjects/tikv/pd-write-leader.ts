import { leaderPath, PdMember } from "./pd-members.ts";
import type { PdWriter } from "./pd-write.ts";
import { pdTarget } from "./targets.ts";

/** The target that leads PD now. */
export async function leaderOfPd(pd: PdWriter): Promise<string> {
  return pdTarget((await pd.read(leaderPath, PdMember)).name);
}
