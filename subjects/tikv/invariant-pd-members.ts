import type { Invariant } from "@operator/subject/invariant";
import { pdWord } from "./invariant-pd-word.ts";
import { pointersTo } from "./invariant-pointers.ts";
import { judgeProbe } from "./invariant-probe.ts";
import type { MembersReading, State } from "./state.ts";
import { cluster, isPdTarget, storeIdOf } from "./targets.ts";

/** A rule points at 20 values at most; PD has three members, or five. */
const membersShownMax = 7;

export const pdMemberDown: Invariant<State> = {
  name: "pd_member_down",
  title: "Every PD member answers",
  severity: "critical",
  graceMs: 0,
  worstDetectionMs: 2_000,
  why: "Three members bear the loss of one. When it's the leader's, PD's API is away for 11 to 14 s, and transactions wait for their timestamps. The probe has confirmed it before it says refused or silent. No official rule tells of one dead member: PD_leader_change and PD_node_restart follow a minute later, and /health of the others says 200.",
  targets: ({ probe, members }) => [
    ...new Set([
      ...Object.keys(probe ?? {}).filter((target) => storeIdOf(target) === undefined),
      ...Object.keys(members?.[cluster]?.members ?? {}),
    ]),
  ],
  needs: (member) => [{ source: "probe", target: member }],
  judge: (state, member, atMs) => {
    const reading = state.members?.[cluster];
    const isLeader = reading?.leader === member;
    return judgeProbe(state.probe?.[member], member, atMs, {
      says: isLeader ? "; it leads PD as far as the others know" : "",
      pointers: reading ? answersOf(reading) : [],
    });
  },
  left: {
    needs: () => [pdWord],
    // It's asked of every target that any source reads: a store isn't in PD's list of members, and hasn't left by that.
    says: ({ members }, member) => {
      const reading = members?.[cluster];
      return isPdTarget(member) && reading !== undefined && reading.isListed && !Object.hasOwn(reading.members, member);
    },
  },
};

export const pdNoLeader: Invariant<State> = {
  name: "pd_no_leader",
  title: "PD has a leader",
  severity: "critical",
  graceMs: 3_000,
  worstDetectionMs: 9_000,
  limit: "a leader",
  why: "Without a leader PD schedules nothing, hands out no timestamps, and nobody knows new regions. A resignation costs a third of a second, so 3 s are no hiccup; they're also more than pd_member_down takes to be found, which would explain it. Members take up to 4 s to say that they know of none. What one member of several says of itself proves nothing: a leader that was paused says so for half a second after it was replaced. No official rule says that there's none; PD_leader_change says a minute later that there was another.",
  targets: ({ members }) => (members ? [cluster] : []),
  needs: () => [pdWord],
  judge: ({ members }) => {
    const reading = members?.[cluster];
    if (!reading) return { verdict: "unknown", reason: "no PD member was ever asked who leads" };
    const { leader, answers } = reading;
    const asked = Object.keys(reading.members);
    const pointers = [...answersOf(reading), ...asked.flatMap((member) => pointersTo("probe", member, "state"))];
    if (leader === undefined) {
      const words = asked.map(
        (member) => `${member}: ${answers[member]?.leader ?? answers[member]?.code ?? "no answer"}`,
      );
      return {
        verdict: "violated",
        reason: `PD's members name no leader (${words.join(", ")})`,
        value: "none",
        detail: { kind: "state", value: "none", expected: "a leader" },
        pointers,
      };
    }
    const votes = asked.filter((member) => answers[member]?.leader === leader).length;
    if (votes * 2 <= asked.length) {
      return { verdict: "unknown", reason: `only ${votes} of ${asked.length} members name ${leader} the leader` };
    }
    return {
      verdict: "ok",
      reason: `${votes} of ${asked.length} members name ${leader} the leader`,
      value: leader,
      pointers,
    };
  },
};

/** Who leads, and what each of the first members says of it. */
function answersOf({ answers, members }: MembersReading): string[] {
  const fields = Object.keys(members)
    .slice(0, membersShownMax)
    .map((member) => `answers/${member}/${answers[member]?.leader === undefined ? "code" : "leader"}`);
  return pointersTo("members", cluster, "leader", ...fields);
}
