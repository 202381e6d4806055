import { breakMembers } from "./break-members.ts";
import { claim, type Figure, type Measuring, percentile, spread } from "./figures.ts";

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
    facts: [
      `to the ticket's event at the reader: ${spread(eventMs)}`,
      `to the ticket read back from KV: ${spread(detections.map(({ kvMs }) => kvMs))}`,
      `seed ${measuring.seed}; random members, random moments; hold-downs scaled by 0.1, the grace is 0`,
      ...others.map((id) => `also opened: ${id}`),
    ],
    data: { seed: measuring.seed, detections, others },
  };
}
