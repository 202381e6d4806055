import { defineReadTool } from "@operator/subject/read-tool";
import { z } from "zod";
import { KnownMembers } from "./known-members.ts";
import { membersSource } from "./observe-members.ts";
import { valueOf, withPd } from "./read-pd.ts";
import { readSettings } from "./settings.ts";
import { MembersReading } from "./state.ts";
import { cluster } from "./targets.ts";

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
      const source = membersSource(pd, known);
      await source.read(hands.signal);
      // Once more: those that were listed just now are asked as well, and under their names.
      const again = MembersReading.parse(valueOf(await source.read(hands.signal), cluster));
      // Since when somebody leads isn't known of two looks.
      const { leaderSinceMs: _since, ...members } = again;
      return members;
    }),
});
