import type { Answer } from "@operator/contracts/diagnosis";
import type { EvidenceId } from "@operator/contracts/evidence";
import type { TargetName } from "@operator/contracts/names";
import { notKnown } from "@operator/evidence/answer";
import { faultOf, looking, notBorneOut, type Proposal } from "./playbook-finding.ts";
import { failureOf } from "./playbook-member.ts";
import type { Sight } from "./playbook-sight.ts";

/** PD gives leaders to no store that is fuller. */
const fullPercentMin = 90;
const scheduler = "balance-leader-scheduler";

/** One store leads many more regions than another. */
export function leaderImbalance(sight: Sight): Answer {
  const { file, citations, cluster } = sight;
  const { detail } = file.violation;
  const evicted = sight.list("schedule", cluster, "evictLeader") ?? [];
  // As the rule counts them.
  const mayLead = sight
    .stores()
    .filter((store) => !sight.isDown(store) && !sight.isLeaving(store) && !evicted.includes(store));
  const counts = mayLead.flatMap((store) => {
    const leaders = sight.number("stores", store, "leaderCount");
    return leaders === undefined ? [] : [{ store, leaders }];
  });
  const [least] = counts.toSorted((a, b) => a.leaders - b.leaders);
  const most = counts.toSorted((a, b) => b.leaders - a.leaders)[0];
  if (!least || !most || detail.kind !== "threshold") {
    return notKnown(file, citations, "no snapshot shows who leads how many regions", ["what PD says of its stores"]);
  }
  const own = [most, least].flatMap(({ store }) =>
    sight.cite(`regions that ${store} leads`, "stores", store, "leaderCount"),
  );
  if (most.leaders - least.leaders <= detail.limit) return notBorneOut(sight, own, "leaders are spread evenly");
  const headline = `${most.store} leads ${most.leaders} regions, ${least.store} ${least.leaders}`;
  const limit = sight.number("schedule", cluster, "leaderScheduleLimit");
  const running = sight.list("schedule", cluster, "schedulers");
  const paused = sight.list("schedule", cluster, "paused") ?? [];
  const schedulers = sight.cite("the schedulers that PD runs", "schedule", cluster, "schedulers");
  const limitCited = sight.cite("how many leaders PD may move at once", "schedule", cluster, "leaderScheduleLimit");
  if (limit === 0 || paused.includes(scheduler) || (running && !running.includes(scheduler))) {
    const why =
      limit === 0
        ? "leader-schedule-limit is 0"
        : `${scheduler} ${paused.includes(scheduler) ? "is paused" : "isn't there"}`;
    return notScheduled(sight, headline, why, [...own, ...limitCited, ...schedulers]);
  }
  const full = fullOf(sight, least.store);
  if (full) return refuses(sight, headline, least.store, [...own, ...full]);
  return notKnown(file, citations, `${headline}, and PD may and can spread them`, [
    "the stores' leader weights: set on purpose they make just this",
    "PD's log: which operators it makes, and what becomes of them",
    `whether ${least.store} refuses to lead: in its log, reject transferring leader`,
  ]);
}

function notScheduled(sight: Sight, headline: string, why: string, evidence: EvidenceId[]): Answer {
  const limitIs0 = sight.number("schedule", sight.cluster, "leaderScheduleLimit") === 0;
  const proposals: Proposal[] = limitIs0
    ? [
        {
          action: "set_leader_schedule_limit",
          target: sight.cluster,
          parameters: { limit: 4 },
          why: "it is 0; PD's default is 4",
        },
      ]
    : [];
  return faultOf(sight, {
    headline: `${headline}: PD moves no leaders, as ${why}`,
    causes: [
      {
        category: "misconfigured",
        target: sight.cluster,
        mechanism: `PD spreads leaders by its ${scheduler} and within leader-schedule-limit; ${why}, so they stay where the last restart or failure left them.`,
        evidence,
      },
    ],
    confidence: 0.9,
    alternatives: [
      {
        cause: { category: "none", target: sight.cluster },
        whyRejected: "Not excluded: a maintenance may ask for it; then it should be under a silence.",
        for: [],
        against: [],
      },
    ],
    options: [
      {
        title: limitIs0 ? "Set the limit back" : `Bring ${scheduler} back`,
        steps: limitIs0
          ? ["the action set_leader_schedule_limit does it"]
          : [`pd-ctl scheduler resume ${scheduler}, or scheduler add ${scheduler} where it isn't there`],
        risk: "low",
        riskWhy: "Leaders move without data.",
        recommended: true,
        why: "PD then spreads them within a minute or two.",
      },
    ],
    proposals,
    missing: ["who set it, and why: PD's audit log has it"],
  });
}

function refuses(sight: Sight, headline: string, store: TargetName, evidence: EvidenceId[]): Answer {
  return faultOf(sight, {
    headline: `${headline}: the disk of ${store} is nearly full, so it refuses to lead`,
    causes: [
      {
        category: "overloaded",
        target: store,
        mechanism: `A store whose disk is nearly full rejects every leader that PD wants to give it; PD tries again every minute, and shows nothing.`,
        evidence,
      },
    ],
    confidence: 0.7,
    alternatives: [
      {
        cause: { category: "misconfigured", target: sight.cluster },
        whyRejected: `PD may schedule: no limit is 0, and ${scheduler} runs.`,
        for: [],
        against: sight.cite("how many leaders PD may move at once", "schedule", sight.cluster, "leaderScheduleLimit"),
      },
    ],
    options: [
      looking(
        `Make room on ${store}`,
        ["its own ticket, low_disk_space, tells more"],
        "It leads again once it has room.",
      ),
    ],
    missing: [`the log of ${store}: reject transferring leader`],
  });
}

function fullOf(sight: Sight, store: string): EvidenceId[] | undefined {
  const capacity = sight.number("stores", store, "capacityBytes") ?? 0;
  const available = sight.number("stores", store, "availableBytes");
  if (available === undefined || capacity <= 0 || 100 * (1 - available / capacity) < fullPercentMin) return undefined;
  return [
    ...sight.cite(`bytes left on the disk of ${store}`, "stores", store, "availableBytes"),
    ...sight.cite("bytes that the disk has", "stores", store, "capacityBytes"),
  ];
}

/** Regions lack a replica, and PD hasn't made another one. */
export function underReplicatedRegions(sight: Sight): Answer {
  const { file, citations, cluster } = sight;
  const miss = sight.number("prometheus", cluster, "regionHealth", "miss");
  const down = sight.number("prometheus", cluster, "regionHealth", "down");
  const own = [
    ...sight.cite("regions with fewer replicas than they should have", "prometheus", cluster, "regionHealth", "miss"),
    ...sight.cite("regions with a replica that is down for ten minutes", "prometheus", cluster, "regionHealth", "down"),
  ];
  if (miss === undefined && down === undefined) {
    return notKnown(file, citations, "no snapshot shows which regions lack a replica", [
      "Prometheus' counts of regions",
    ]);
  }
  const count = (miss ?? 0) + (down ?? 0);
  if (count === 0) return notBorneOut(sight, own, "every region has its replicas");
  const replicas = sight.number("schedule", cluster, "maxReplicas");
  const stores = sight.stores();
  const [dead] = sight.deadStores();
  const failure = dead && failureOf(sight, dead);
  if (dead && failure) return lostWith(sight, dead, count, own);
  const limit = sight.number("schedule", cluster, "replicaScheduleLimit");
  if (limit === 0 || sight.flag("schedule", cluster, "haltScheduling") === true) {
    return faultOf(sight, {
      headline: `${count} regions lack a replica, and PD may make none`,
      causes: [
        {
          category: "misconfigured",
          target: cluster,
          mechanism: `${limit === 0 ? "replica-schedule-limit is 0" : "halt-scheduling is set"}, so PD knows what is missing and makes nothing.`,
          evidence: [
            ...own,
            ...sight.cite("how many replicas PD may make at once", "schedule", cluster, "replicaScheduleLimit"),
            ...sight.cite("whether all scheduling is halted", "schedule", cluster, "haltScheduling"),
          ],
        },
      ],
      confidence: 0.9,
      alternatives: [noneIsDead(sight)],
      options: [
        looking(
          "Let PD schedule again",
          ["the ticket scheduling_disabled tells how"],
          "PD then makes them good by itself.",
        ),
      ],
      proposals:
        limit === 0
          ? [
              {
                action: "set_replica_schedule_limit",
                target: cluster,
                parameters: { limit: 64 },
                why: "it is 0; PD's default is 64",
              },
            ]
          : [],
      missing: ["who set it, and why: PD's audit log has it"],
    });
  }
  if (replicas !== undefined && stores.length < replicas) return tooFewStores(sight, count, replicas, own);
  return notKnown(file, citations, `${count} regions lack a replica, every store answers, and PD may schedule`, [
    "which regions they are",
    "PD's operators, and why they end without a replica more",
    "how full the stores are",
  ]);
}

function noneIsDead(sight: Sight): Answer["alternatives"][number] {
  const stores = sight.stores();
  return {
    cause: { category: "crashed", target: stores[0] ?? sight.cluster },
    whyRejected: "Every store that is probed answers.",
    for: [],
    against: sight.citeUp(stores),
  };
}

/** Every store answers: there are too few of them for what PD is told to keep. */
function tooFewStores(sight: Sight, count: number, replicas: number, own: EvidenceId[]): Answer {
  const { cluster } = sight;
  const stores = sight.stores();
  return faultOf(sight, {
    headline: `${count} regions lack a replica: PD is to keep ${replicas} of each, and there are ${stores.length} stores`,
    causes: [
      {
        category: "misconfigured",
        target: cluster,
        mechanism: `No store holds two replicas of a region, so ${stores.length} stores can't hold ${replicas}: PD makes none, however long it lasts.`,
        evidence: [...own, ...sight.cite("how many replicas PD keeps of a region", "schedule", cluster, "maxReplicas")],
      },
    ],
    confidence: 0.9,
    alternatives: [noneIsDead(sight)],
    options: [
      looking(
        `Add ${replicas - stores.length} stores, or set max-replicas back`,
        [
          "a new store takes its replicas: PD moves them by itself",
          "pd-ctl config set max-replicas changes the number",
        ],
        "Until then a region survives as many lost stores as before.",
      ),
    ],
    missing: ["who set max-replicas, and why: PD's audit log has it"],
  });
}

function lostWith(sight: Sight, dead: TargetName, count: number, own: EvidenceId[]): Answer {
  const failure = failureOf(sight, dead);
  const replicas = sight.number("schedule", sight.cluster, "maxReplicas");
  const left = sight.stores(dead).length;
  const nowhere = replicas !== undefined && left < replicas;
  return faultOf(sight, {
    headline: `${count} regions lack a replica: ${dead} has been away for long${nowhere ? `, and ${left} stores can't hold ${replicas}` : ""}`,
    causes: [
      {
        category: failure?.category ?? "crashed",
        target: dead,
        mechanism: `${failure?.mechanism ?? ""} Its replicas count as down after ten minutes. ${nowhere ? "With as many stores as replicas there's no other store for them, so PD makes none, however long it lasts." : "PD makes new ones 30 minutes after its last heartbeat."}`,
        evidence: [...(failure?.evidence ?? []), ...own],
      },
    ],
    confidence: 0.9,
    alternatives: failure?.alternatives ?? [],
    options: [
      {
        title: `Bring ${dead} back, or add a store`,
        steps: ["the ticket store_down tells how it is", "another store takes its replicas: PD moves them by itself"],
        risk: "low",
        riskWhy: "It only adds.",
        recommended: true,
        why: "One more store that dies takes the quorum of these regions.",
      },
    ],
    missing: failure?.missing ?? [],
  });
}
