import { breakMembers, detectionFacts } from "./break-members.ts";
import { claim, type Figure, type Measuring, percentile } from "./figures.ts";

/** From SIGSTOP of a member to its ticket: nothing refuses, so silence must be told from a hiccup. */
export async function measurePause(measuring: Measuring): Promise<Figure> {
  const times = Math.ceil(12 / measuring.shortenedBy);
  const { detections, others } = await breakMembers(measuring, { kind: "node", verb: "pause", times });
  const eventMs = detections.map((one) => one.eventMs);
  return {
    name: "pause",
    title: "member paused → ticket open",
    claims: [
      claim("p95", percentile(eventMs, 0.95), "ms", { atMost: 1_500 }),
      claim("tickets about anything else", others.length, "", { atMost: 0 }),
    ],
    facts: detectionFacts(measuring, detections, others),
    data: { seed: measuring.seed, detections, others },
  };
}
