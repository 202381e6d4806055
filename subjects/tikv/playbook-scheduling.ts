import type { Answer } from "@operator/contracts/diagnosis";
import { notKnown } from "@operator/evidence/answer";
import { faultOf, looking, notBorneOut, type Option, type Proposal } from "./playbook-finding.ts";
import { seconds, type Sight } from "./playbook-sight.ts";

/** PD's own defaults, where the value of before isn't known. `hot-region-schedule-limit` has no action. */
const limits = [
  { field: "leaderScheduleLimit", name: "leader-schedule-limit", action: "set_leader_schedule_limit", usual: 4 },
  { field: "regionScheduleLimit", name: "region-schedule-limit", action: "set_region_schedule_limit", usual: 2048 },
  { field: "replicaScheduleLimit", name: "replica-schedule-limit", action: "set_replica_schedule_limit", usual: 64 },
  { field: "hotRegionScheduleLimit", name: "hot-region-schedule-limit", action: undefined, usual: 4 },
] as const;

/** Somebody keeps PD from scheduling. */
export function schedulingDisabled(sight: Sight): Answer {
  const { file, citations, cluster } = sight;
  const known = sight.number("schedule", cluster, "leaderScheduleLimit");
  const isHalted = sight.flag("schedule", cluster, "haltScheduling") === true;
  const paused = sight.list("schedule", cluster, "paused") ?? [];
  const zero = limits.filter(({ field }) => sight.number("schedule", cluster, field) === 0);
  const grounds = [
    ...zero.flatMap(({ field, name }) => [
      ...sight.cite(`${name}: how many such operators PD may run at once`, "schedule", cluster, field),
      ...sight.citeBefore(`${name} as it was before`, "schedule", cluster, field),
    ]),
    ...(isHalted ? sight.cite("halt-scheduling is set", "schedule", cluster, "haltScheduling") : []),
    ...(paused.length > 0 ? sight.cite("schedulers that are paused", "schedule", cluster, "paused") : []),
  ];
  if (grounds.length === 0) {
    const limit = sight.cite("leader-schedule-limit", "schedule", cluster, "leaderScheduleLimit");
    return known === undefined
      ? notKnown(file, citations, "no snapshot shows what PD may schedule", ["PD's schedule config and schedulers"])
      : notBorneOut(sight, limit, "PD may schedule");
  }
  const what = [
    ...zero.map(({ name }) => `${name} is 0`),
    ...(isHalted ? ["halt-scheduling is set"] : []),
    ...paused.map((scheduler) => `${scheduler} is paused`),
  ].join(", ");
  const proposals = zero.flatMap((limit) => proposalOf(sight, limit));
  return faultOf(sight, {
    headline: `PD doesn't schedule as it should: ${what}`,
    causes: [
      {
        category: "misconfigured",
        target: cluster,
        mechanism: `Somebody set it so, for a maintenance or by mistake. PD answers 200 to every drain and every operator, and does nothing about what it may not do; leaders that are badly spread stay so, and lost replicas aren't made good.`,
        evidence: grounds,
      },
    ],
    confidence: 0.95,
    alternatives: [
      {
        cause: { category: "none", target: cluster },
        whyRejected:
          "Not excluded: a maintenance or a restore under way asks for it. Whoever does one silences the cluster meanwhile; nothing here says that one is under way.",
        for: grounds.slice(0, 1),
        against: [],
      },
      {
        cause: { category: "observation", target: cluster },
        whyRejected:
          "It is PD's own answer, given by a leader that has led for longer than it needs to know its schedulers.",
        for: [],
        against: grounds.slice(0, 1),
      },
    ],
    options: [...optionsFor(zero.length > 0 && proposals.length > 0, isHalted, paused), leaving],
    proposals,
    missing: ["who set it, and why: PD's audit log has the address and the caller of each change"],
  });
}

const leaving: Option = {
  title: "Leave it so",
  steps: ["if it's meant: silence the cluster for as long as it's needed"],
  risk: "medium",
  riskWhy: "Nothing is balanced or repaired meanwhile; drains do nothing and say 200.",
  recommended: false,
  why: "Only for a maintenance that somebody watches.",
};

function optionsFor(canSet: boolean, isHalted: boolean, paused: readonly string[]): Option[] {
  const set: Option = {
    title: "Set the limits back",
    steps: ["the proposed actions do it by POST /pd/api/v1/config, and read them back"],
    risk: "low",
    riskWhy: "PD starts to balance what has piled up, within its limits.",
    recommended: true,
    why: "Nothing needs them at 0 as long as nobody says so.",
  };
  const byHand: Option = {
    title: isHalted ? "Let PD schedule again" : "Resume what is paused",
    steps: [
      ...(isHalted ? ["pd-ctl config set halt-scheduling false"] : []),
      ...paused.slice(0, 5).map((scheduler) => `pd-ctl scheduler resume ${scheduler}`),
      ...(isHalted || paused.length > 0 ? [] : ["pd-ctl config set hot-region-schedule-limit 4"]),
    ],
    risk: "low",
    riskWhy: "PD starts to balance what has piled up, within its limits.",
    recommended: !canSet,
    why: "The operator has no action for this one.",
  };
  return [...(canSet ? [set] : []), ...(isHalted || paused.length > 0 || !canSet ? [byHand] : [])];
}

function proposalOf(sight: Sight, { field, name, action, usual }: (typeof limits)[number]): Proposal[] {
  if (action === undefined) return [];
  const before = sight.numberBefore("schedule", sight.cluster, field);
  const limit = before !== undefined && before > 0 ? before : usual;
  const why = `${name} is 0; ${limit === before ? "it was" : "PD's default is"} ${limit}`;
  return [{ action, target: sight.cluster, parameters: { limit }, why }];
}

/** A store that a scheduler keeps from leading, long after any drain. */
export function forgottenEvictLeader(sight: Sight): Answer {
  const { file, citations, cluster, target: store } = sight;
  const evicted = sight.list("schedule", cluster, "evictLeader");
  const own = [
    ...sight.cite("stores that evict-leader-scheduler keeps from leading", "schedule", cluster, "evictLeader"),
    ...sight.cite(`regions that ${store} leads`, "stores", store, "leaderCount"),
    ...sight.cite(`regions that ${store} has`, "stores", store, "regionCount"),
  ];
  if (!evicted) return notKnown(file, citations, `no snapshot shows whether ${store} may lead`, ["PD's schedulers"]);
  if (!evicted.includes(store)) return notBorneOut(sight, own, `${store} may lead`);
  const up = sight.citeProbe(store, `${store} answers, so no restart is under way`);
  const others = sight
    .stores(store)
    .slice(0, 4)
    .flatMap((other) => sight.cite(`regions that ${other} leads meanwhile`, "stores", other, "leaderCount"));
  const score = sight.number("stores", store, "slowScore") ?? 1;
  const disk = sight.cite(`how slow ${store} finds its disk, of 100`, "stores", store, "slowScore");
  const limit = sight.number("schedule", cluster, "leaderScheduleLimit");
  const isSlow = sight.isSlow(store);
  const ours = file.actions.find(
    ({ action, target, state }) =>
      action === "drain_store" && target === store && ["executed", "verified"].includes(state),
  );
  const atMs = citations.value("first_bad", "atMs");
  const upSinceMs = sight.number("probe", store, "sinceMs");
  const upFor =
    typeof atMs === "number" && upSinceMs !== undefined ? `, and has answered for ${seconds(atMs - upSinceMs)}` : "";
  const drainedFor = ours && seconds(Math.max(0, file.atMs - ours.atMs));
  const headline = ours
    ? `${store} is still kept from leading: the operator drained it ${drainedFor} ago, and its disk is ${isSlow ? "slow still" : "quick again"}`
    : `${store} is kept from leading by an evict-leader scheduler that nobody removed`;
  const wellOrNot = isSlow ? `whose disk is slow (${score} of 100)` : "which is well";
  return faultOf(sight, {
    headline,
    causes: [
      {
        category: "misconfigured",
        target: store,
        mechanism: `evict-leader-scheduler is there for ${store}, ${wellOrNot}${upFor}. It's kept in etcd and outlives restarts of PD and of the store, so a drain whose author forgot it or died lasts for ever: ${store} serves nothing, the others carry its share.${limit === 0 ? " leader-schedule-limit is 0 as well: until that is set back, it gets no leaders even without the scheduler." : ""}${ours ? ` The operator drained it itself, ${drainedFor} ago, for ticket ${ours.ticket}; a drain lasts until somebody takes it back.` : ""}`,
        evidence: [...own, ...up, ...(ours || isSlow ? disk : []), ...others],
      },
    ],
    confidence: isSlow ? 0.6 : 0.9,
    alternatives: [
      {
        cause: { category: "none", target: store },
        whyRejected: `A maintenance of it drains it for minutes, and has it down for some of them; ${store} answers. Not excluded that one is still to come: then it should be under a silence.`,
        for: own.slice(0, 1),
        against: up,
      },
      {
        cause: { category: "overloaded", target: store },
        whyRejected: isSlow
          ? `Not excluded: its disk is slow (${score} of 100), so ${ours ? "the reason for the drain goes on" : "somebody may have drained it for that"}.`
          : "A slow store is drained by another scheduler, evict-slow-store, from 100 on; this one's disk is quick.",
        for: isSlow ? disk : [],
        against: isSlow ? [] : disk,
      },
    ],
    options: isSlow
      ? [mending(store), undraining(store, false), asking(true)]
      : [undraining(store, true), asking(false)],
    proposals: isSlow
      ? []
      : [
          {
            action: "undrain_store",
            target: store,
            parameters: {},
            why: ours
              ? `${store} is up and its disk is quick; the operator's drain of ${drainedFor} ago keeps it from leading. Whether its requests are quick shows when it leads`
              : `${store} is up and quick, and an evict-leader scheduler that nobody removed keeps it from leading`,
          },
        ],
    verify: [`${store} leads regions again: the first ones within seconds, its share after a minute or more.`],
    missing: ours ? [] : ["who added the scheduler, and why: PD's audit log has it"],
  });
}

function mending(store: string): Option {
  return {
    title: `Mend what makes ${store} slow, then let it lead again`,
    steps: [
      "on its host: iostat -x, dmesg, what else writes to this disk",
      `when its disk is quick: remove evict-leader-scheduler-${store.replace("store-", "")}, e.g. pd-ctl scheduler remove`,
    ],
    risk: "none",
    riskWhy: "Until then it serves nothing, and nobody waits for it.",
    recommended: true,
    why: "Let lead now it would make its clients wait again.",
  };
}

function undraining(store: string, recommended: boolean): Option {
  return {
    title: `Let ${store} lead again`,
    steps: [
      `the action undrain_store removes evict-leader-scheduler-${store.replace("store-", "")}; PD then gives it leaders, a few at a time`,
    ],
    risk: "low",
    riskWhy: "Leaders move without data. It can be drained again at once.",
    recommended,
    why: recommended
      ? "Nothing is the matter with it, and the others do its work."
      : "Only if its share is needed more than its clients' time.",
  };
}

function asking(isSlow: boolean): Option {
  return looking(
    "Ask who drained it",
    ["PD's audit log has the address and the caller of POST /schedulers"],
    isSlow ? "It may have been drained for a reason that goes on." : "If it's meant, a silence says so.",
    false,
  );
}
