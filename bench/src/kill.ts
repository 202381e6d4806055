import { breakMembers, detectionFacts } from "./break-members.ts";
import { claim, type Figure, type Measuring, percentile } from "./figures.ts";

/** From SIGKILL of a member to its ticket: the port refuses at once, so nothing but the loop itself takes time. */
export async function measureKill(measuring: Measuring): Promise<Figure> {
  const times = Math.ceil(30 / measuring.shortenedBy);
  const { detections, others } = await breakMembers(measuring, { kind: "node", verb: "kill", times });
  const eventMs = detections.map((one) => one.eventMs);
  return {
    name: "kill",
    title: "member killed → ticket open",
    claims: [
      claim("p50", percentile(eventMs, 0.5), "ms", { atMost: 100 }),
      claim("p95", percentile(eventMs, 0.95), "ms", { atMost: 300 }),
      claim("tickets about anything else", others.length, "", { atMost: 0 }),
    ],
    facts: detectionFacts(measuring, detections, others),
    data: { seed: measuring.seed, detections, others },
  };
}
