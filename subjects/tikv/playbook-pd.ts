import type { Answer } from "@operator/contracts/diagnosis";
import type { EvidenceId } from "@operator/contracts/evidence";
import type { TargetName } from "@operator/contracts/names";
import { notKnown } from "@operator/evidence/answer";
import { faultOf, looking, notBorneOut, type Option } from "./playbook-finding.ts";
import { failureOf, timelineOf } from "./playbook-member.ts";
import type { Sight } from "./playbook-sight.ts";

const electionTakes = "11 to 14 s";

/** A PD member doesn't answer. */
export function pdMemberDown(sight: Sight): Answer {
  const { file, citations, target: member } = sight;
  if (sight.probe(member) === undefined) {
    return notKnown(file, citations, `no snapshot shows how ${member} answered the probe`, [`the probe of ${member}`]);
  }
  const failure = failureOf(sight, member);
  if (!failure) {
    return notBorneOut(sight, sight.citeProbe(member, `${member} answers in this very snapshot`), `${member} answers`);
  }
  const all = sight.members();
  const dead = all.filter((each) => sight.isDown(each));
  const hasQuorum = dead.length * 2 < all.length;
  const wasLeader = [
    ...sight.citeBefore("who led PD before", "members", sight.cluster, "leader"),
    ...sight.cite("who leads PD, as far as its members know", "members", sight.cluster, "leader"),
  ];
  const led = leaderBefore(sight) === member;
  const impact = !hasQuorum
    ? ` ${dead.length} of ${all.length} members are down, so PD has no quorum: no scheduling and no timestamps until ${dead.length === 2 ? "one" : "some"} of them is back. Raw reads and writes go on.`
    : led
      ? ` It led PD: the others elect another leader within ${electionTakes}, as its lease has to run out first. Until then PD's API is away and transactions wait for timestamps; raw reads and writes don't notice. For 20 s after that PD's word about stores doesn't count.`
      : " It didn't lead PD, so nothing is interrupted; one more member that dies takes PD's quorum.";
  return faultOf(sight, {
    headline: `${failure.says}${!hasQuorum ? "; PD has lost its quorum" : led ? "; it led PD" : ""}`,
    causes: [
      {
        category: failure.category,
        target: member,
        mechanism: `${failure.mechanism}${impact}`,
        evidence: [...failure.evidence, ...(led ? wasLeader : []), ...(hasQuorum ? [] : citeDown(sight, dead))],
      },
    ],
    confidence: failure.confidence,
    timeline: timelineOf(sight, member),
    alternatives: failure.alternatives,
    options: memberOptions(member, failure.category, hasQuorum),
    verify: ["PD's members name a leader, and every store is Up again within 20 s of that."],
    missing: failure.missing,
  });
}

/** PD's members name no leader: too few of them are left, or they're electing one, or they don't reach each other. */
export function pdNoLeader(sight: Sight): Answer {
  const { file, citations } = sight;
  const all = sight.members();
  const leader = sight.text("members", sight.cluster, "leader");
  const answers = all.flatMap((member) => [
    ...sight.cite(`what ${member} says instead of a leader`, "members", sight.cluster, "answers", member, "code"),
    ...sight.cite(`who ${member} says leads`, "members", sight.cluster, "answers", member, "leader"),
  ]);
  if (leader !== undefined) {
    const grounds = sight.cite("the leader that most members name", "members", sight.cluster, "leader");
    return notBorneOut(sight, grounds, `PD is led by ${leader}`);
  }
  const dead = all.filter((member) => sight.isDown(member));
  if (dead.length > 0) return ledByDead(sight, all, dead, answers);
  const up = sight.citeUp(all);
  if (up.length === 0)
    return notKnown(file, citations, "no snapshot shows how PD's members answered", ["their probes"]);
  return faultOf(sight, {
    headline: "PD has no leader though its members answer: they can't agree on one",
    causes: [
      {
        category: "unreachable",
        target: sight.cluster,
        mechanism:
          "Every member answers the observer, and none knows a leader. What they need to elect one lies between them: their network to each other, their clocks or their disks. It may also be an election that is still under way after a leader resigned or lost its lease.",
        evidence: [...answers, ...up],
      },
    ],
    confidence: 0.5,
    alternatives: [
      {
        cause: { category: "crashed", target: leaderTarget(sight) ?? sight.cluster },
        whyRejected: "Every member that is probed answers.",
        for: [],
        against: up,
      },
    ],
    options: [
      looking(
        "Look at the members' logs and at the network between them",
        [
          "in their logs: lost TCP streaming connection, elected leader, campaign PD leader, apply request took too long",
          "from one member's host, reach the peer ports of the others",
        ],
        "An election ends within seconds when they reach each other.",
      ),
    ],
    missing: ["whether the members reach each other's peer ports", "their logs"],
  });
}

function ledByDead(sight: Sight, all: TargetName[], dead: TargetName[], answers: EvidenceId[]): Answer {
  const hasQuorum = dead.length * 2 < all.length;
  const failures = dead.slice(0, 3).flatMap((member) => {
    const failure = failureOf(sight, member);
    return failure ? [{ member, failure }] : [];
  });
  const [first] = failures;
  const up = sight.citeUp(all);
  const names = dead.slice(0, 3).join(" and ");
  return faultOf(sight, {
    headline: hasQuorum
      ? `PD has no leader as ${names} ended or hangs: the others elect one within ${electionTakes}`
      : `PD has no leader and can't elect one: ${dead.length} of ${all.length} members are down`,
    causes: failures.map(({ member, failure }) => ({
      category: failure.category,
      target: member,
      mechanism: failure.mechanism,
      evidence: [...failure.evidence, ...answers],
    })),
    confidence: hasQuorum ? 0.8 : 0.95,
    timeline: first ? timelineOf(sight, first.member) : [],
    alternatives: [
      {
        cause: { category: "unreachable", target: sight.cluster },
        whyRejected: hasQuorum
          ? "Not excluded: if the members that are left don't reach each other either, none is elected when the dead one's lease is over."
          : "The members that are left are too few to elect anybody, however well they reach each other.",
        for: hasQuorum ? answers : [],
        against: hasQuorum ? [] : citeDown(sight, dead),
      },
      ...(first?.failure.alternatives ?? []),
    ],
    options: [
      ...memberOptions(first?.member ?? sight.cluster, first?.failure.category ?? "crashed", hasQuorum),
      ...(hasQuorum && up.length > 0
        ? []
        : [
            looking(
              "Leave the stores alone",
              ["raw reads and writes don't need PD; a store that is restarted now can't start without it"],
              "The less is touched, the more goes on.",
              false,
            ),
          ]),
    ],
    missing: first?.failure.missing ?? [],
  });
}

function memberOptions(member: string, category: "crashed" | "hung" | "unreachable", hasQuorum: boolean): Option[] {
  const remedy: Option =
    category === "unreachable"
      ? looking(
          `Look at the network and the host of ${member}`,
          [`reach the host of ${member} by another way`],
          "A restart doesn't mend a network.",
        )
      : {
          title: category === "hung" ? `Restart ${member}` : `Start ${member} again`,
          steps: [
            category === "hung"
              ? "on its host, look at the state of its process: T is stopped (kill -CONT lets it go on), D waits for a disk"
              : "look at why it ended: its exit code, the last lines of its log, its disk, the kernel's messages",
            `start the process of ${member} on the same data folder: an emptied one isn't a member any more`,
          ],
          risk: "low",
          riskWhy: "It takes the log from the others and follows them.",
          recommended: true,
          why: hasQuorum
            ? "Until then one more death takes PD's quorum."
            : "Only with most of its members PD decides anything.",
        };
  return [
    remedy,
    {
      title: "Wait",
      steps: hasQuorum ? ["the members that are left go on by themselves"] : ["stores go on serving what needs no PD"],
      risk: hasQuorum ? "low" : "high",
      riskWhy: hasQuorum
        ? "PD has its quorum."
        : "Nothing is scheduled, no timestamps are given out, no store can start.",
      recommended: false,
      why: "Only while somebody is on the way.",
    },
  ];
}

function citeDown(sight: Sight, dead: TargetName[]): EvidenceId[] {
  return dead.slice(0, 5).flatMap((member) => sight.citeProbe(member, `${member} doesn't answer`));
}

/** Who led before, as text; now, where that hasn't changed. */
function leaderBefore(sight: Sight): string | undefined {
  const before = sight.citations.value("last_good", "parts", "members", sight.cluster, "leader");
  return typeof before === "string" ? before : sight.text("members", sight.cluster, "leader");
}

function leaderTarget(sight: Sight): TargetName | undefined {
  return sight.named(leaderBefore(sight));
}
