import { type Fault, type FaultHands, FaultRefused, type Member, type Resolved } from "@operator/subject/fault";
import { breaksPd, ofKind, ttlMs } from "./fault-members.ts";
import { asAnonymous } from "./fault-pd.ts";
import { leaderPath, PdMember } from "./pd-members.ts";
import { pdTarget } from "./targets.ts";

/** Whoever leads when the fault is made: the journal has the member. */
const role = "pd-leader";

async function leaderNow(_role: string, members: Member[], hands: FaultHands, signal: AbortSignal): Promise<Resolved> {
  const { name } = await asAnonymous(hands, signal, (pd) => pd.read(leaderPath, PdMember));
  const target = pdTarget(name);
  const known = ofKind("pd")(members);
  if (known.includes(target)) return { target };
  const message = `PD says that ${JSON.stringify(name)} leads, and the supervisor has only ${known.join(", ")}: a member needs PD's own name`;
  throw new FaultRefused("LEADER_NOT_A_MEMBER", message);
}

const leader = {
  by: "supervisor",
  ttlMs,
  targets: (members: Member[]) => (ofKind("pd")(members).length > 0 ? [role] : []),
  resolve: leaderNow,
  breaks: breaksPd,
} as const;

export const killPdLeader: Fault = {
  ...leader,
  name: "kill_pd_leader",
  title: "The leader of PD is killed",
  cause: "crashed",
  verb: "kill",
};

export const pausePdLeader: Fault = {
  ...leader,
  name: "pause_pd_leader",
  title: "The leader of PD is paused, and its port stays open",
  cause: "hung",
  verb: "pause",
};
