import type { Answer } from "@operator/contracts/diagnosis";
import type { EvidenceId } from "@operator/contracts/evidence";
import type { TargetName } from "@operator/contracts/names";
import { notKnown, recoveryOf } from "@operator/evidence/answer";
import { drainOf, drainOption } from "./playbook-drain.ts";
import { type Alternative, faultOf, looking, noFault, notBorneOut } from "./playbook-finding.ts";
import { hottestOf } from "./playbook-heat.ts";
import { failureOf } from "./playbook-member.ts";
import type { Sight } from "./playbook-sight.ts";
import { blamersOf, citeDisk, slowDisk } from "./playbook-store-slow.ts";

/** Writing the log takes a well disk a few ms. */
const appendLogSlowMs = 100;

/** Requests take long: somebody is dead, a disk or a network is slow, a region is hot, or a store is starved. */
export function highLatency(sight: Sight): Answer {
  const { file, citations, target } = sight;
  const p99Ms = sight.number("prometheus", target, "p99Ms");
  const { detail } = file.violation;
  const limitMs = detail.kind === "threshold" ? detail.limit : undefined;
  const own = citeP99(sight, target);
  if (p99Ms === undefined || limitMs === undefined) {
    return notKnown(file, citations, `no snapshot shows how long ${target} takes`, [
      `Prometheus' numbers of ${target}`,
    ]);
  }
  if (p99Ms <= limitMs) return notBorneOut(sight, own, `${target} is quick`);
  if (recoveryOf(file)) {
    return noFault(sight, {
      headline: `${target} was slow for a while and is quick again`,
      mechanism: "Nothing is broken by now. A burst of load or a compaction passes by itself.",
      evidence: own,
      confidence: 0.6,
      missing: ["what made it slow"],
    });
  }
  const isStore = target !== sight.cluster;
  const dead = sight.deadStores();
  if (dead.length > 0) return deadStore(sight, dead, own);
  const suspects = isStore ? [target] : sight.stores();
  for (const store of suspects) {
    const score = sight.number("stores", store, "slowScore") ?? 0;
    const appendMs = sight.number("prometheus", store, "appendLogP99Ms") ?? 0;
    if (sight.isSlow(store) || appendMs > appendLogSlowMs) {
      const said = sight.isSlow(store)
        ? `TiKV gives it ${score} of 100`
        : `one in a hundred writes to its log takes ${Math.round(appendMs)} ms or more`;
      return slowDisk(sight, store, said, [...own, ...citeP99(sight, store), ...citeDisk(sight, store)]);
    }
  }
  const hottest = hottestOf(sight, isStore ? target : undefined);
  if (hottest) return waitsForRegion(sight, hottest, own);
  if (isStore) return starvedStore(sight, target, limitMs, own);
  return everyStore(sight, limitMs, own);
}

function deadStore(sight: Sight, dead: TargetName[], own: EvidenceId[]): Answer {
  const failures = dead.slice(0, 3).flatMap((store) => {
    const failure = failureOf(sight, store);
    return failure ? [{ store, failure }] : [];
  });
  return faultOf(sight, {
    headline: `Requests wait for ${failures.map(({ store }) => store).join(" and ")}, which doesn't answer`,
    causes: failures.map(({ store, failure }) => ({
      category: failure.category,
      target: store,
      mechanism: `${failure.mechanism} Who asks for a region that it led waits until another store leads it, and the others carry its share.`,
      evidence: [...failure.evidence, ...own],
    })),
    confidence: 0.8,
    alternatives: failures[0]?.failure.alternatives ?? [],
    options: [looking("Bring it back", ["its own ticket, store_down, tells how"], "The latency follows from it.")],
    missing: failures[0]?.failure.missing ?? [],
  });
}

function waitsForRegion(
  sight: Sight,
  { region, leader, kind, evidence }: NonNullable<ReturnType<typeof hottestOf>>,
  own: EvidenceId[],
): Answer {
  const alike = citeP99(sight, leader);
  return faultOf(sight, {
    headline: `${leader} is overloaded by one region: ${region} has most of the ${kind}s of the cluster`,
    causes: [
      {
        category: "overloaded",
        target: leader,
        mechanism: `${leader} leads ${region}, and does all of its ${kind}s alone: one region is one Raft group, which works through them one after another. Whoever asks ${leader} waits behind them.`,
        evidence: [...alike, ...own, ...evidence],
      },
    ],
    confidence: 0.7,
    alternatives: [otherDisk(sight, leader)],
    options: [
      looking(
        `Look at ${region}`,
        ["its own ticket, hot_region, tells what can be done about it: split it, or move it"],
        "The latency follows from it.",
      ),
    ],
    missing: [`which keys of ${region} are asked for, and by whom`],
  });
}

/** One store slow in everything, with a quick disk and a well network: it doesn't get to run. */
function starvedStore(sight: Sight, store: TargetName, limitMs: number, own: EvidenceId[]): Answer {
  const { file, citations } = sight;
  const others = sight.stores(store);
  const quick = others.filter((other) => (sight.number("prometheus", other, "p99Ms") ?? Infinity) <= limitMs);
  const blamers = blamersOf(sight, store);
  if (quick.length === 0) {
    return notKnown(file, citations, `${store} is slow, and nothing shows whether others are`, [
      "the latency of the other stores",
    ]);
  }
  const disk = citeDisk(sight, store);
  const commit = sight.cite(
    "milliseconds in which 99 of 100 of its log entries were committed",
    "prometheus",
    store,
    "commitLogP99Ms",
  );
  return faultOf(sight, {
    headline: `${store} alone is slow, and its disk isn't: it is starved, of processor time or by pauses`,
    causes: [
      {
        category: "overloaded",
        target: store,
        mechanism: `${store} takes long for what the others do quickly, though its disk is quick${blamers.length === 0 ? " and its peers don't find its network slow" : ""}. A process that gets little time, on a host that is busy or halts it again and again, is slow in just this way, and no field of PD shows it.`,
        evidence: [...own, ...commit, ...disk, ...quick.slice(0, 4).flatMap((other) => citeP99(sight, other))],
      },
    ],
    confidence: 0.6,
    alternatives: [
      otherDisk(sight, store),
      {
        cause: { category: "unreachable", target: store },
        whyRejected:
          blamers.length > 0
            ? `Not excluded: ${blamers.slice(0, 3).join(" and ")} found the network to it slow lately.`
            : "The other stores don't find the network to it slow.",
        for: blamers
          .slice(0, 2)
          .flatMap((other) => sight.cite(`${other} finds it slow`, "stores", store, "blamedBy", other, "score")),
        against: [],
      },
    ],
    options: [
      drainOption(store, true),
      looking(
        `Look at what else runs on the host of ${store}`,
        ["on its host: load, steal time, memory pressure, what was stopped and continued"],
        "What takes its time away is the cause.",
        false,
      ),
    ],
    proposals: drainOf(sight, store, `it alone is slow, and ${quick.length} others are quick`),
    missing: [`the processor time that the host of ${store} gives it`],
  });
}

function everyStore(sight: Sight, limitMs: number, own: EvidenceId[]): Answer {
  const { file, citations } = sight;
  const stores = sight.stores();
  const slow = stores.filter((store) => (sight.number("prometheus", store, "p99Ms") ?? 0) > limitMs);
  const load = sight.cite("requests a second", "prometheus", sight.cluster, "requestsPerS");
  const before = sight.citeBefore("requests a second before it was slow", "prometheus", sight.cluster, "requestsPerS");
  if (slow.length * 2 <= stores.length) {
    return notKnown(file, citations, `requests are slow, but no store is seen to be`, [
      "the latency by kind of request, and the clients' own",
    ]);
  }
  return faultOf(sight, {
    headline: `${slow.length} of ${stores.length} stores are slow at once: the cluster has more to do than it can`,
    causes: [
      {
        category: "overloaded",
        target: sight.cluster,
        mechanism:
          "No disk is slow, no store is dead and no region has most of the traffic, so the stores wait for what they share: their hosts, their network, or too many requests.",
        evidence: [...own, ...load, ...before, ...slow.slice(0, 4).flatMap((store) => citeP99(sight, store))],
      },
    ],
    confidence: 0.5,
    alternatives: stores.slice(0, 1).map((store) => otherDisk(sight, store)),
    options: [
      looking(
        "Compare the load with what it was",
        ["requests a second by kind, an hour and a day ago", "processor time of the stores and of their hosts"],
        "More load asks for more stores, less for whatever takes their time.",
      ),
    ],
    missing: ["the processor time of the stores' hosts", "what the clients send"],
  });
}

function otherDisk(sight: Sight, store: TargetName): Alternative {
  return {
    cause: { category: "crashed", target: store },
    whyRejected: `${store} answers, and a slow disk shows in its own score, which is low.`,
    for: [],
    against: [...sight.citeProbe(store, `${store} answers`), ...citeDisk(sight, store)],
  };
}

function citeP99(sight: Sight, target: TargetName): EvidenceId[] {
  return [
    ...sight.cite(`99 of 100 requests of ${target} took less than these milliseconds`, "prometheus", target, "p99Ms"),
    ...sight.cite(`requests a second of ${target}`, "prometheus", target, "requestsPerS"),
  ];
}
