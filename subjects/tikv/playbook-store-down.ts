import type { Answer } from "@operator/contracts/diagnosis";
import { notKnown } from "@operator/evidence/answer";
import { noFault, notBorneOut, type Option, faultOf } from "./playbook-finding.ts";
import { failureOf, timelineOf } from "./playbook-member.ts";
import type { Sight } from "./playbook-sight.ts";

const electionTakes = "10 to 20 s";
/** A store that has just started is given its first leaders after 24 s (measured). */
const ledFromMs = 24_000;
/** Of the regions that the other stores should lead, so many must have a leader in PD's eyes, or it doesn't know yet who leads. */
const ledShareMin = 0.9;

/** A store doesn't answer: it ended, it hangs, it can't be reached, or it was meant to stop. */
export function storeDown(sight: Sight): Answer {
  const { file, citations, target: store } = sight;
  const state = sight.probe(store);
  if (state === undefined) {
    return notKnown(file, citations, `no snapshot shows how ${store} answered the probe`, [`the probe of ${store}`]);
  }
  const pdState = sight.text("stores", store, "state");
  if (pdState === "Offline" || pdState === "Tombstone") return decommissioned(sight, pdState);
  const failure = failureOf(sight, store);
  if (!failure) {
    return notBorneOut(sight, sight.citeProbe(store, `${store} answers in this very snapshot`), `${store} answers`);
  }
  const leaders = sight.number("stores", store, "leaderCount");
  const regions = sight.number("stores", store, "regionCount") ?? 0;
  const isLeaderless = leaders === 0 && regions > 0;
  const doubt = isLeaderless ? doubtOfItsLeaders(sight) : undefined;
  if (state === "refused" && isLeaderless && doubt === undefined) return stoppedInOrder(sight, regions);
  const led = sight.cite(`regions that ${store} led as far as PD knew`, "stores", store, "leaderCount");
  const pdWord = sight.cite("PD's word on it, up to 20 s behind", "stores", store, "state");
  const others = sight.stores(store);
  const alsoDown = others.filter((other) => sight.isDown(other));
  const impact =
    alsoDown.length > 0
      ? ` ${alsoDown.slice(0, 3).join(", ")} doesn't answer either: regions with two of three replicas there neither read nor write.`
      : ` The ${leaders ? `${leaders} regions` : "regions"} that it led do nothing until the other stores have elected leaders, ${electionTakes}; PD has no part in that, and calls it Disconnected only 20 s after its last heartbeat.`;
  return faultOf(sight, {
    headline: failure.says,
    causes: [
      {
        category: failure.category,
        target: store,
        mechanism: `${failure.mechanism}${impact}`,
        evidence: [...failure.evidence, ...led, ...pdWord],
      },
    ],
    confidence: failure.confidence,
    timeline: timelineOf(sight, store),
    alternatives: [
      ...failure.alternatives,
      {
        cause: { category: "none", target: store },
        whyRejected: isLeaderless
          ? `A store that is stopped in order gives all of its leaders away first. PD counts none of it, which proves nothing: ${doubt ?? "a process that hangs hasn't ended"}.`
          : "A store that is stopped in order gives all of its leaders away first, and one that is decommissioned is Offline in PD.",
        for: isLeaderless ? led : [],
        against: isLeaderless ? pdWord : [...led, ...pdWord],
      },
    ],
    options: storeOptions(sight, failure.category, alsoDown.length > 0),
    verify: [`PD says Up of ${store} (up to 12 s after it answers), and it leads regions again.`],
    missing: failure.missing,
  });
}

/** Why it says nothing of how a store ended that PD counts no leaders of it; undefined when it does. */
function doubtOfItsLeaders(sight: Sight): string | undefined {
  const { target: store, citations } = sight;
  const startedAtMs = sight.number("stores", store, "startedAtMs");
  const atMs = citations.value("first_bad", "atMs");
  const endedAtMs = sight.number("probe", store, "sinceMs") ?? (typeof atMs === "number" ? atMs : undefined);
  const isYoung = startedAtMs !== undefined && endedAtMs !== undefined && endedAtMs - startedAtMs < ledFromMs;
  if (isYoung || sight.flag("stores", store, "isBusy") === true) {
    return "it had just started, and PD gives leaders only to a store that has caught up";
  }
  const replicas = sight.number("schedule", sight.cluster, "maxReplicas");
  // Of a large cluster the file shows some stores.
  const shown = sight.stores(store).flatMap((other) => {
    const leads = sight.number("stores", other, "leaderCount");
    const has = sight.number("stores", other, "regionCount");
    return leads === undefined || has === undefined ? [] : [{ leads, has }];
  });
  const sum = (field: "leads" | "has") => shown.reduce((total, each) => total + each[field], 0);
  if (replicas === undefined || shown.length === 0 || sum("leads") < (ledShareMin * sum("has")) / replicas) {
    return "it doesn't know who leads the other stores' regions either, as after a change of its own leader";
  }
  return undefined;
}

/** Every leader had left it before it ended: that is how a store stops, not how it dies. */
function stoppedInOrder(sight: Sight, regions: number): Answer {
  const { target: store } = sight;
  const isEvicted = sight.list("schedule", sight.cluster, "evictLeader")?.includes(store) === true;
  const isSlow = sight.isSlow(store);
  const others = sight.stores(store).filter((other) => (sight.number("stores", other, "leaderCount") ?? 0) > 0);
  const grounds = [
    ...sight.cite(`it led none of its ${regions} regions any more when it ended`, "stores", store, "leaderCount"),
    ...sight.cite("how many regions it has", "stores", store, "regionCount"),
    ...(isEvicted ? sight.cite("stores that are kept from leading", "schedule", sight.cluster, "evictLeader") : []),
    ...sight.citeProbe(store, "its port refuses: the process has ended"),
    ...others.slice(0, 3).flatMap((other) => sight.cite(`${other} leads regions`, "stores", other, "leaderCount")),
  ];
  return noFault(sight, {
    headline: `${store} was stopped in order: its leaders had been moved off it first`,
    mechanism: `${store} led nothing when it ended${isEvicted ? ", as an evict-leader scheduler keeps leaders off it" : ""}. A store that is asked to stop (SIGTERM) has PD move its leaders away and ends then; one that dies leaves them behind. So no region waits for an election, and this looks like a restart.`,
    evidence: grounds,
    // Who is drained for its slow disk may as well have died of that.
    confidence: isEvicted && !isSlow ? 0.8 : 0.6,
    alternatives: [
      {
        cause: { category: "crashed", target: store },
        whyRejected:
          "Not excluded: a store that had no leaders for another reason may have crashed. If nobody restarts it, it has.",
        for: [
          ...sight.citeProbe(store, "its port refuses: the process has ended"),
          ...(isSlow ? sight.cite("how slow its disk was, of 100", "stores", store, "slowScore") : []),
        ],
        against: grounds.slice(0, 1),
      },
      {
        cause: { category: "hung", target: store },
        whyRejected: "A process that hangs keeps its port open; this one's refuses.",
        for: [],
        against: sight.citeProbe(store, "its port refuses: the process has ended"),
      },
    ],
    options: [
      {
        title: `Wait for ${store} to come back`,
        steps: [
          "ask who is restarting it; next time silence it meanwhile: operator silence",
          ...(isEvicted
            ? [`when it is back, PD says Up and it isn't busy any more: undrain it, or it never leads again`]
            : []),
        ],
        risk: "low",
        riskWhy: "Its regions have one replica less meanwhile; another store that dies takes their quorum.",
        recommended: true,
        why: "It was stopped on purpose, so somebody has a plan.",
      },
      startOption(sight, false),
    ],
    missing: ["who stopped it, and whether it is to come back"],
  });
}

function decommissioned(sight: Sight, pdState: string): Answer {
  const { target: store } = sight;
  const word = sight.cite("PD's word on it: it is being decommissioned", "stores", store, "state");
  return noFault(sight, {
    headline: `${store} is being decommissioned: it owes no answer`,
    mechanism: `PD says ${pdState} of ${store}: somebody took it out of service, and PD makes its replicas elsewhere. A tombstoned process doesn't end by itself, and may be stopped.`,
    evidence: [...word, ...sight.citeProbe(store, `how ${store} answers the probe`)],
    confidence: 0.9,
    alternatives: [
      {
        cause: { category: "crashed", target: store },
        whyRejected: "It may have ended early; as long as other replicas are there, PD makes new ones from them.",
        for: sight.citeProbe(store, `how ${store} answers the probe`),
        against: word,
      },
    ],
    missing: ["who decommissions it"],
  });
}

function storeOptions(sight: Sight, category: "crashed" | "hung" | "unreachable", isSecond: boolean): Option[] {
  const { target: store } = sight;
  const wait: Option = {
    title: "Wait and let the other stores carry the load",
    steps: [
      `leaders are elected elsewhere within ${electionTakes}`,
      "after 30 minutes PD makes its replicas on other stores, where there are more stores than replicas",
    ],
    risk: isSecond ? "high" : "medium",
    riskWhy: isSecond
      ? "Another store is away as well: regions with a majority there stay without service."
      : "Its regions have one replica less: another store that dies takes their quorum.",
    recommended: false,
    why: "Only while somebody is on the way.",
  };
  if (category === "crashed") return [startOption(sight, true), wait];
  if (category === "hung") {
    return [
      {
        title: `Restart ${store}`,
        steps: [
          "on its host, look at the state of its process: T is stopped (kill -CONT lets it go on), D waits for a disk",
          `if it doesn't go on, end the process of ${store} and start it again; give it more than 20 s to stop`,
        ],
        risk: isSecond ? "medium" : "low",
        riskWhy: "It does nothing now; what it has on its disk stays. It catches up from the others when it starts.",
        recommended: true,
        why: "A stopped process doesn't go on by itself, and PD may move leaders towards it as long as it says Up.",
      },
      wait,
    ];
  }
  return [
    {
      title: `Look at the network and the host of ${store}`,
      steps: [`reach the host of ${store} by another way`, "look at its network and at what shares it"],
      risk: "none",
      riskWhy: "It only looks.",
      recommended: true,
      why: "A restart doesn't mend a network.",
    },
    wait,
  ];
}

function startOption(sight: Sight, recommended: boolean): Option {
  const { target: store } = sight;
  return {
    title: `Start ${store} again`,
    steps: [
      "look at why it ended: its exit code, the last lines of its log, the kernel's out-of-memory messages, its disk",
      `start the process of ${store} on the same data folder: there its id is kept; an emptied one makes another store of it`,
      "PD gives it leaders before it has caught up: to spare clients that, drain it first, and undrain it when PD says Up and it isn't busy any more (20 s and more later)",
    ],
    risk: "low",
    riskWhy: "It catches up from the others. If it ends for the same reason again, it comes back here.",
    recommended,
    why: recommended
      ? "Nothing else starts it, and PD can't: until then every region that it holds is one replica short."
      : "If nobody else is about to.",
  };
}
