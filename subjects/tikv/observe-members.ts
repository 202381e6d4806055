import type { Source } from "@operator/subject/observation";
import type { KnownMember, KnownMembers } from "./known-members.ts";
import type { PdClient } from "./pd-client.ts";
import { PdError } from "./pd-error.ts";
import { leaderPath, membersPath, PdMember, PdMembers } from "./pd-members.ts";
import type { MembersReading } from "./state.ts";
import { cluster, pdTarget } from "./targets.ts";

const answerMs = 800;
/** PD's list changes seldom, and v8.5.5 reads etcd for it. */
const listEveryMs = 10_000;
/** A leader whose lease ended is elected again after 5 s at the earliest; a shorter gap was only ours. */
const gapMs = 3_000;

type Answer = MembersReading["answers"][string];

/**
 * PD's members and their leader. Each member is asked who leads: by `/leader`, which costs PD nothing, and in turn by
 * `/members`, which also lists them. What is listed is taken in by `known`.
 */
export function membersSource(pd: PdClient, known: KnownMembers, nowMs = Date.now): Source {
  let listedAtMs = -Infinity;
  let turn = 0;
  let leadership: Leadership = {};

  async function ask({ url }: KnownMember, isListing: boolean, signal: AbortSignal): Promise<Answer> {
    const limit = AbortSignal.any([signal, AbortSignal.timeout(answerMs)]);
    try {
      if (!isListing) return { leader: pdTarget((await pd.ask(url, leaderPath, PdMember, limit)).name) };
      const list = await pd.ask(url, membersPath, PdMembers, limit);
      known.learn(list);
      pd.learn([...known.watched().values()].map(({ url }) => url));
      listedAtMs = nowMs();
      return list.leader ? { leader: pdTarget(list.leader.name) } : { code: "NO_LEADER" };
    } catch (error) {
      if (error instanceof PdError) return { code: error.code };
      throw error;
    }
  }

  return {
    name: "members",
    rhythmMs: 1_000,
    timeoutMs: 950,
    targets: () => [cluster],
    read: async (signal) => {
      const asked = [...known.watched()];
      const isDue = nowMs() - listedAtMs >= listEveryMs;
      turn += 1;
      // The first time each is asked for the list, as it may be the only one that is alive.
      const isListing = (at: number) => isDue && (!known.isListed || at === turn % asked.length);
      const answers = Object.fromEntries(
        await Promise.all(
          asked.map(async ([target, member], at) => [target, await ask(member, isListing(at), signal)] as const),
        ),
      );
      const leader = leaderBy(Object.values(answers));
      leadership = followed(leadership, leader, nowMs());
      const members = known.watched();
      const value: MembersReading = {
        ...(known.clusterId !== undefined && { clusterId: known.clusterId }),
        ...(leader !== undefined && { leader, leaderSinceMs: leadership.sinceMs }),
        members: Object.fromEntries(members),
        isListed: known.isListed,
        answers: named(answers, new Map(asked), members),
      };
      return { [cluster]: { value } };
    },
  };
}

/** Whom most of those that named one call the leader; undefined when nobody does, or as many say another. */
export function leaderBy(answers: readonly Answer[]): string | undefined {
  const votes = new Map<string, number>();
  for (const { leader } of answers) if (leader !== undefined) votes.set(leader, (votes.get(leader) ?? 0) + 1);
  const [first, second] = [...votes].sort(([, a], [, b]) => b - a);
  return first && first[1] > (second?.[1] ?? 0) ? first[0] : undefined;
}

/** Who led last, since when, and when that was last heard. */
interface Leadership {
  leader?: string;
  sinceMs?: number;
  heardAtMs?: number;
}

/** A leader that nobody named for a while leads anew: PD begins its word about stores from the start then. */
export function followed(before: Leadership, leader: string | undefined, atMs: number): Leadership {
  if (leader === undefined) return before;
  const isSame = before.leader === leader && atMs - (before.heardAtMs ?? -Infinity) < gapMs;
  return { leader, sinceMs: isSame ? (before.sinceMs ?? atMs) : atMs, heardAtMs: atMs };
}

/** The answers by the names that the members have now: those that were asked by address before PD listed them are found by it. */
function named(
  answers: Record<string, Answer>,
  asked: ReadonlyMap<string, KnownMember>,
  members: ReadonlyMap<string, KnownMember>,
): Record<string, Answer> {
  const byUrl = new Map([...members].map(([target, { url }]) => [url, target]));
  return Object.fromEntries(
    Object.entries(answers).flatMap(([target, answer]) => {
      const now = members.has(target) ? target : byUrl.get(asked.get(target)?.url ?? "");
      return now === undefined ? [] : [[now, answer]];
    }),
  );
}
