import type { Answer } from "@operator/contracts/diagnosis";
import { factsIn, type Recorded } from "./messages-api.fixture.ts";

type Loose = { [Field in keyof Answer]?: unknown };

/** What a good model answers about a node that refuses: it cites what the request shows, as it's shown. */
export function soundAnswer(request: Recorded, target: string, changed: Loose = {}): string {
  const facts = factsIn(request);
  const cite = (snapshot: string, pointer: string, shows: string) => {
    const fact = facts.find((each) => each.snapshot === snapshot && each.pointer === pointer);
    if (!fact) throw new Error(`the request shows no ${pointer} of ${snapshot}: ${JSON.stringify(facts)}`);
    return { id: fact.id, quote: fact.quote, shows };
  };
  const state = `/parts/probe/${target}/state`;
  const [now, before] = [cite("first_bad", state, "it refuses"), cite("last_good", state, "it answered")];
  return JSON.stringify({
    verdict: "fault",
    headline: `${target} has crashed`,
    rootCauses: [
      {
        category: "crashed",
        target,
        mechanism: "Its process has ended: its port refuses.",
        evidence: [now.id, before.id],
      },
    ],
    confidence: 0.9,
    timeline: [],
    evidence: [now, before],
    alternatives: [
      { cause: { category: "hung", target }, whyRejected: "Its port refuses.", for: [], against: [now.id] },
    ],
    options: [
      {
        title: "Start it again",
        steps: [],
        risk: "low",
        riskWhy: "It keeps nothing.",
        recommended: true,
        why: "It's needed.",
      },
    ],
    verify: ["node_down clears"],
    missing: [],
    ...changed,
  });
}
