import type { Bucket } from "@operator/bus/bucket";
import type { Ticket } from "@operator/contracts/ticket";
import { violationKeyOf } from "@operator/contracts/violation";
import type { SimilarTicket } from "@operator/subject/case-file";

const similarMax = 3;
/** How many tickets are looked at, one read each: this target's earlier ones, and the newest of other targets. */
const generationsMax = 10;
const targetsMax = 20;

/** The three most recent diagnosed tickets of the same invariant, among this target's earlier ones and the newest of `others`. */
export async function similarTo(
  tickets: Bucket<Ticket>,
  ticket: Ticket,
  others: readonly string[],
): Promise<SimilarTicket[]> {
  const key = violationKeyOf(ticket);
  const earlier = Math.min(ticket.generation - 1, generationsMax);
  const keys = [
    ...Array.from({ length: earlier }, (_, back) => `${key}.${ticket.generation - 1 - back}`),
    ...others
      .filter((target) => target !== ticket.target)
      .slice(0, targetsMax)
      .map((target) => violationKeyOf({ ...ticket, target })),
  ];
  const entries = await Promise.all(keys.map((each) => tickets.get(each)));
  return entries
    .flatMap((entry) => (entry ? similarOf(entry.value) : []))
    .sort((a, b) => b.openedAtMs - a.openedAtMs || (a.id < b.id ? -1 : 1))
    .slice(0, similarMax);
}

function similarOf({ id, openedAtMs, closedAtMs, attempts }: Ticket): SimilarTicket[] {
  const answer = attempts.findLast(({ status }) => status === "done")?.diagnosis?.answer;
  if (!answer) return [];
  const [cause] = answer.rootCauses;
  return [
    {
      id,
      openedAtMs,
      ...(closedAtMs === undefined ? {} : { closedAtMs }),
      headline: answer.headline,
      ...(cause ? { cause: { category: cause.category, target: cause.target } } : {}),
    },
  ];
}
