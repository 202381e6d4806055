import type { Job } from "@operator/contracts/job";
import type { Attempt, Ticket } from "@operator/contracts/ticket";

/** What a job is worth, as its ticket stands: `ended` has its outcome already, `early` isn't in the ticket that was read. */
export type Sense = "go" | "ended" | "early" | { moot: string };

/** Who carried it out may have been killed, also while it waited. */
const underWay: readonly Attempt["status"][] = ["queued", "running", "waiting"];

/** Does the job still make sense? Level, not edge: only what the ticket is now counts. */
export function senseOf(job: Job, ticket: Ticket): Sense {
  const attempt = ticket.attempts.find((each) => each.attempt === job.attempt);
  if (attempt && !underWay.includes(attempt.status)) return "ended";
  if (ticket.status === "closed") return { moot: "the ticket is closed" };
  const newest = ticket.attempts.at(-1)?.attempt ?? 0;
  if (newest > job.attempt) return { moot: `attempt ${newest} has been queued since` };
  return attempt ? "go" : "early";
}
