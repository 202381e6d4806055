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
  const disk = sight.cite(`how slow ${store} finds its disk, of 100`, "stores", store, "slowScore");
  const limit = sight.number("schedule", cluster, "leaderScheduleLimit");
  const ours = file.actions.find(
    ({ action, target, state }) =>
      action === "drain_store" && target === store && ["executed", "verified"].includes(state),
  );
  const drainedFor = ours && seconds(Math.max(0, file.atMs - ours.atMs));
  const atMs = citations.value("first_bad", "atMs");
  const upSinceMs = sight.number("probe", store, "sinceMs");
  const upFor =
    typeof atMs === "number" && upSinceMs !== undefined ? `, and has answered for ${seconds(atMs - upSinceMs)}` : "";
  return faultOf(sight, {
    headline: ours
      ? `${store} is still kept from leading: the operator drained it ${drainedFor} ago, and its disk is quick`
      : `${store} is kept from leading by an evict-leader scheduler that nobody removed`,
    causes: [
      {
        category: "misconfigured",
        target: store,
        mechanism: `evict-leader-scheduler is there for ${store}, which is well${upFor}. It's kept in etcd and outlives restarts of PD and of the store, so a drain whose author forgot it or died lasts for ever: ${store} serves nothing, the others carry its share.${limit === 0 ? " leader-schedule-limit is 0 as well: until that is set back, it gets no leaders even without the scheduler." : ""}${ours ? ` The operator drained it itself, for ticket ${ours.ticket}; a drain lasts until somebody takes it back.` : ""}`,
        evidence: [...own, ...up, ...(ours ? disk : []), ...others],
      },
    ],
    confidence: 0.9,
    alternatives: [
      {
        cause: { category: "none", target: store },
        whyRejected: `A maintenance of it drains it for minutes, and has it down for some of them; ${store} answers. Not excluded that one is still to come: then it should be under a silence.`,
        for: own.slice(0, 1),
        against: up,
      },
      {
        cause: { category: "overloaded", target: store },
        whyRejected: "A store is drained for a slow disk; this one's is quick.",
        for: [],
        against: disk,
      },
    ],
    options: [
      {
        title: `Let ${store} lead again`,
        steps: [
          `the action undrain_store removes evict-leader-scheduler-${store.replace("store-", "")}; PD then gives it leaders, a few at a time`,
        ],
        risk: "low",
        riskWhy: "Leaders move without data. It can be drained again at once.",
        recommended: true,
        why: `Nothing is seen to be the matter with it, and the others do its work.${ours ? " Whether its requests are quick shows when it leads." : ""}`,
      },
      looking(
        "Ask who drained it",
        ["PD's audit log has the address and the caller of POST /schedulers"],
        "If it's meant, a silence says so.",
        false,
      ),
    ],
    proposals: [
      {
        action: "undrain_store",
        target: store,
        parameters: {},
        why: ours
          ? `${store} is up and its disk is quick; the operator's own drain of ${drainedFor} ago keeps it from leading`
          : `${store} is up and quick, and an evict-leader scheduler that nobody removed keeps it from leading`,
      },
    ],
    verify: [`${store} leads regions again: the first ones within seconds, its share after a minute or more.`],
    missing: ours ? [] : ["who added the scheduler, and why: PD's audit log has it"],
  });
}
