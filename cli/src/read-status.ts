import type { Bus } from "@operator/bus/bus";
import { patternOf } from "@operator/contracts/channel";
import { flow } from "@operator/contracts/flow";
import type { SubjectName } from "@operator/contracts/names";
import { readTickets } from "./read-tickets.ts";
import type { Status } from "./screens/status-screen.ts";
import { summaryOf } from "./ticket-summary.ts";

/** The newest verdicts and the open tickets of each subject. */
export async function readStatus(bus: Bus, subjects: readonly SubjectName[], nowMs: () => number): Promise<Status> {
  const read = await Promise.all(
    subjects.map(async (subject) => {
      const [verdicts, tickets] = await Promise.all([
        bus.last(flow.verdicts, patternOf(flow.verdicts, { subject })),
        readTickets(bus, subject),
      ]);
      const open = tickets.filter(({ status }) => status === "open").map(summaryOf);
      return { subject, verdicts, open };
    }),
  );
  // Taken after reading, so that nothing is younger than now.
  const atMs = nowMs();
  return {
    atMs,
    subjects: read.map(({ subject, verdicts, open }) => ({
      subject,
      verdicts: verdicts?.message ?? null,
      verdictsAgeMs: verdicts ? Math.max(0, atMs - verdicts.storedAtMs) : null,
      openTickets: open,
    })),
  };
}
