import { defineReadTool } from "@operator/subject/read-tool";
import { z } from "zod";
import { KnownMembers } from "./known-members.ts";
import { membersSource } from "./observe-members.ts";
import type { PdClient } from "./pd-client.ts";
import { PdError } from "./pd-error.ts";
import { membersPath, PdMembers } from "./pd-members.ts";
import { valueOf, withPd } from "./read-pd.ts";
import { readSettings } from "./settings.ts";
import { MembersReading } from "./state.ts";
import { cluster } from "./targets.ts";

/** Asking each member takes up to 800 ms more. */
const listMs = 900;

const none = z.strictObject({});

/** PD's members, and whom each of them takes for the leader. */
export const getMembers = defineReadTool<typeof none>({
  name: "get_members",
  title: "PD's members, and whom each calls the leader",
  about:
    "Every member of PD that is listed or configured, asked just now: whom it names as the leader, or the error that it answered with. Helps to tell a dead member from one without a quorum, and to see two that both claim to lead.",
  parameters: none,
  read: (_, hands) =>
    withPd(hands, async (pd) => {
      const known = new KnownMembers(readSettings(hands.environment).TIKV_PD_ENDPOINTS);
      const listed = await listOf(pd, hands.signal);
      if (listed) known.learn(listed);
      const reading = MembersReading.parse(valueOf(await membersSource(pd, known).read(hands.signal), cluster));
      // Since when somebody leads isn't known of one look.
      const { leaderSinceMs: _since, ...members } = reading;
      return members;
    }),
});

/** Whom else to ask, beside those that a person named; undefined when nobody can say, which each will say itself. */
async function listOf(pd: PdClient, signal: AbortSignal): Promise<PdMembers | undefined> {
  try {
    return await pd.get(membersPath, PdMembers, AbortSignal.any([signal, AbortSignal.timeout(listMs)]));
  } catch (error) {
    if (error instanceof PdError) return undefined;
    throw error;
  }
}
