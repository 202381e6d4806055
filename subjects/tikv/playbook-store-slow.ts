import type { Answer } from "@operator/contracts/diagnosis";
import type { EvidenceId } from "@operator/contracts/evidence";
import type { TargetName } from "@operator/contracts/names";
import { notKnown } from "@operator/evidence/answer";
import { drainOf, drainOption } from "./playbook-drain.ts";
import { faultOf, looking, notBorneOut } from "./playbook-finding.ts";
import type { Sight } from "./playbook-sight.ts";

/** As `store_slow` has it. */
const blameMin = 2;

/** A store is slow: its disk, its network, or all of it by half. Told apart by who finds what slow. */
export function storeSlow(sight: Sight): Answer {
  const { file, citations, target: store } = sight;
  const score = sight.number("stores", store, "slowScore");
  const disk = citeDisk(sight, store);
  const blamers = blamersOf(sight, store);
  if (sight.isSlow(store)) return slowDisk(sight, store, `TiKV gives it ${score} of 100`, disk);
  if (blamers.length > 0) return slowNetwork(sight, store, blamers, disk);
  if (score === undefined) {
    return notKnown(file, citations, `no snapshot shows how slow ${store} is`, ["what PD says of its stores"]);
  }
  return notBorneOut(sight, disk, `${store} is quick`);
}

/** Other stores that find the network to this one slow. */
export function blamersOf(sight: Sight, store: string): TargetName[] {
  return sight
    .stores(store)
    .filter((other) => (sight.number("stores", store, "blamedBy", other, "score") ?? 0) >= blameMin);
}

/** A disk that takes long to write. `said`: what shows it, as half a sentence. */
export function slowDisk(sight: Sight, store: TargetName, said: string, grounds: EvidenceId[]): Answer {
  const others = sight.stores(store).slice(0, 4);
  const quick = others.flatMap((other) =>
    sight.cite(`the disk of ${other}, for comparison`, "stores", other, "slowScore"),
  );
  return faultOf(sight, {
    headline: `The disk of ${store} is slow: ${said}`,
    causes: [
      {
        category: "overloaded",
        target: store,
        mechanism: `${store} measures its own writes to the disk, and many take long. Every write to a region that it leads waits for that. PD itself acts only at a score of 100.`,
        evidence: [...grounds, ...quick],
      },
    ],
    confidence: 0.85,
    alternatives: [
      {
        cause: { category: "unreachable", target: store },
        whyRejected: "It is measured on the store's own disk, without the network.",
        for: [],
        against: grounds.slice(0, 1),
      },
      {
        cause: { category: "hung", target: store },
        whyRejected: "A store that hangs measures nothing and reports nothing; this one reports its score.",
        for: [],
        against: [...grounds.slice(0, 1), ...sight.citeProbe(store, `${store} answers`)],
      },
    ],
    options: [
      drainOption(store, true),
      looking(
        `Find out what keeps the disk of ${store} busy`,
        ["on its host: iostat -x, dmesg, what else writes to this disk", "TiKV's compaction and write stall metrics"],
        "A disk that dies has to be replaced, one that is shared given to TiKV alone.",
        false,
      ),
    ],
    proposals: drainOf(sight, store, `its disk is slow (${said}), and every write that it leads waits for it`),
    missing: [`what its host says of the disk: utilisation, errors, who else uses it`],
  });
}

function slowNetwork(sight: Sight, store: TargetName, blamers: TargetName[], disk: EvidenceId[]): Answer {
  const blame = blamers
    .slice(0, 4)
    .flatMap((other) => [
      ...sight.cite(
        `how slow ${other} finds the network to ${store}, of 100`,
        "stores",
        store,
        "blamedBy",
        other,
        "score",
      ),
      ...sight.cite(`by how much that rose just now`, "stores", store, "blamedBy", other, "rose"),
    ]);
  const back = blamers.filter((other) => (sight.number("stores", other, "blamedBy", store, "score") ?? 0) >= blameMin);
  const backwards = back
    .slice(0, 4)
    .flatMap((other) =>
      sight.cite(`how slow ${store} finds the network to ${other}`, "stores", other, "blamedBy", store, "score"),
    );
  const answers = sight.citeProbe(store, `${store} answers the observer`);
  const isBoth = back.length === blamers.length;
  const names = blamers.slice(0, 3).join(" and ");
  return faultOf(sight, {
    headline: isBoth
      ? `The network of ${store} to the other stores is slow or lost: each side finds the other slow`
      : `${store} hangs by half: ${names} wait for it, while it finds nobody slow`,
    causes: [
      {
        category: isBoth ? "unreachable" : "hung",
        target: store,
        mechanism: isBoth
          ? `${names} get late answers or none from ${store}, and it gets late ones from them. All of them have one party in common, ${store}, so its own path is slow, not theirs.`
          : `${names} get late answers or none from ${store}. Its disk is quick and PD says that it is well, as what reports to PD still runs; what serves its peers doesn't.`,
        evidence: [...blame, ...backwards, ...disk.slice(0, 1), ...answers],
      },
    ],
    confidence: isBoth ? 0.75 : 0.65,
    alternatives: [
      {
        cause: { category: isBoth ? "hung" : "unreachable", target: store },
        whyRejected: isBoth
          ? `A store that hangs measures nothing, so it wouldn't find ${names} slow; it does.`
          : `Not excluded: a path that is lost in one direction alone looks alike. Where both directions are slow, ${store} finds the others slow as well, which it doesn't.`,
        for: isBoth ? [] : blame.slice(0, 2),
        against: isBoth ? backwards : [],
      },
      {
        cause: { category: "overloaded", target: store },
        whyRejected: "A slow disk shows in the store's own score, which is low.",
        for: [],
        against: disk.slice(0, 1),
      },
    ],
    options: [
      isBoth
        ? looking(
            `Look at the network of ${store}`,
            [
              "from its host, ping the other stores' hosts: loss, times",
              "look at its interface, its switch port, its errors",
            ],
            "A restart doesn't mend a network.",
          )
        : {
            title: `Restart ${store}`,
            steps: [
              "on its host, look at its threads first: which of them wait, and for what",
              `end the process of ${store} in order and start it again`,
            ],
            risk: "medium",
            riskWhy: "Its regions have one replica less until it's back.",
            recommended: true,
            why: "What hangs by half doesn't mend itself, and PD doesn't see it.",
          },
      drainOption(store, false),
    ],
    proposals: drainOf(sight, store, `${names} find it slow, so whoever asks it waits`),
    missing: [`whether ${store} answers its clients in time: the latency of its requests, where it has traffic`],
  });
}

/** What is known of a store's disk. */
export function citeDisk(sight: Sight, store: TargetName): EvidenceId[] {
  return [
    ...sight.cite(`how slow ${store} itself finds its disk, of 100`, "stores", store, "slowScore"),
    ...sight.cite(
      "milliseconds in which 99 of 100 of its writes to the log were done",
      "prometheus",
      store,
      "appendLogP99Ms",
    ),
  ];
}
