import type { Answer } from "@operator/contracts/diagnosis";
import { notKnown } from "@operator/evidence/answer";
import { faultOf, looking, notBorneOut } from "./playbook-finding.ts";
import { failureOf } from "./playbook-member.ts";
import { seconds, type Sight } from "./playbook-sight.ts";

const lost = ["Disconnected", "Down"];

/** A store answers, and PD doesn't hear of it: the way between them is lost, or PD's, or the store hangs by half. */
export function storeDisconnected(sight: Sight): Answer {
  const { file, citations, target: store } = sight;
  const state = sight.text("stores", store, "state");
  const word = sight.cite("PD's word on it", "stores", store, "state");
  const heartbeat = sight.cite("its last heartbeat that reached PD", "stores", store, "lastHeartbeatMs");
  if (state === undefined) {
    return notKnown(file, citations, `no snapshot shows what PD says of ${store}`, ["what PD says of its stores"]);
  }
  if (!lost.includes(state)) return notBorneOut(sight, word, `PD says ${state} of ${store}`);
  const failure = failureOf(sight, store);
  const answers = sight.citeProbe(store, `${store} itself answers the observer`);
  if (failure) {
    return faultOf(sight, {
      headline: failure.says,
      causes: [{ ...failure, target: store, evidence: [...failure.evidence, ...word] }],
      confidence: failure.confidence,
      alternatives: failure.alternatives,
      options: [looking(`Look at ${store}`, ["its own ticket, store_down, tells more"], "It is down, not cut off.")],
      missing: failure.missing,
    });
  }
  if (!sight.isUp(store)) return notKnown(file, citations, `no snapshot shows whether ${store} answers`, ["its probe"]);
  const others = sight.stores(store);
  const alsoLost = others.filter((other) => lost.includes(sight.text("stores", other, "state") ?? ""));
  const inTouch = others.filter((other) => sight.text("stores", other, "state") === "Up");
  const citeStates = (stores: typeof others, shows: string) =>
    stores.slice(0, 4).flatMap((other) => sight.cite(`${other} ${shows}`, "stores", other, "state"));
  const leader = sight.named(sight.text("members", sight.cluster, "leader"));
  const isPds = alsoLost.length > 0 && inTouch.length === 0 && leader !== undefined;
  const atMs = citations.value("first_bad", "atMs");
  const heardAtMs = sight.number("stores", store, "lastHeartbeatMs");
  const silent = typeof atMs === "number" && heardAtMs !== undefined ? ` for ${seconds(atMs - heardAtMs)}` : "";
  const led = sight.cite("since when this PD leader is known", "members", sight.cluster, "leaderSinceMs");
  return faultOf(sight, {
    headline: isPds
      ? `No store reaches PD's leader ${leader}, though every one answers the observer`
      : `${store} is cut off from PD: it answers, and no heartbeat of it has reached PD${silent}`,
    causes: [
      {
        category: "unreachable",
        target: isPds ? leader : store,
        mechanism: isPds
          ? `All stores that are seen are lost to PD at once while they answer the observer: what they share is the way to PD's leader.`
          : `${store} does its work and answers, its heartbeats don't arrive at PD: what is lost lies between these two. Its regions go on serving, as Raft needs no PD; PD neither sees nor moves them, and after 30 minutes makes new replicas of all of them where it can.`,
        evidence: [
          ...word,
          ...heartbeat,
          ...answers,
          ...(isPds ? citeStates(alsoLost, "is lost to PD too") : citeStates(inTouch, "is in touch with PD")),
          ...(isPds ? sight.cite("who leads PD", "members", sight.cluster, "leader") : []),
          ...(isPds ? sight.citeProbe(leader, `${leader} itself answers the observer`) : []),
        ],
      },
    ],
    confidence: isPds ? 0.6 : inTouch.length > 0 ? 0.85 : 0.6,
    alternatives: [
      {
        cause: { category: "crashed", target: store },
        whyRejected: "A store that is dead answers nobody; this one answers the observer.",
        for: word,
        against: answers,
      },
      {
        cause: { category: "observation", target: store },
        whyRejected:
          "After a PD leader change every store seems disconnected until its next heartbeat; this leader is older than that, and the others' heartbeats have come.",
        for: word,
        against: [...led, ...citeStates(inTouch, "is in touch with PD")],
      },
      {
        cause: { category: "hung", target: store },
        whyRejected:
          "Not excluded: a store may answer on its status port while what talks to PD hangs. Its log tells: failed to send store heartbeat, or connection errors to PD's addresses.",
        for: heartbeat,
        against: [],
      },
    ],
    options: [
      looking(
        `Look at the way from ${store} to PD`,
        [
          `from the host of ${store}, reach each PD member's client port`,
          `in the log of ${store}: connection errors to PD's addresses`,
          "look for a firewall, a changed address, a name that resolves elsewhere",
        ],
        "What fails there is the cause; PD's API can't mend it, and a drain can't reach a store that PD doesn't hear.",
      ),
      {
        title: `Restart ${store}`,
        steps: [
          "move its leaders away first if that works from where it is",
          `end the process of ${store} in order and start it again`,
        ],
        risk: "medium",
        riskWhy: "It needs PD to start: if the network is lost it doesn't come back, and its regions lose a replica.",
        recommended: false,
        why: "It helps only when its connections are stuck.",
      },
    ],
    missing: [`the log of ${store}: which of PD's addresses it fails to reach, and how`],
  });
}
