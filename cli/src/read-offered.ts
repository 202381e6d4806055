import type { Member } from "@operator/subject/fault";
import { loadRoom } from "@operator/subject/load";
import type { OfferedFault } from "./screens/fault-list.ts";

/** What chaos can do to a subject while all of its members run, as the room declares both. */
export async function readOffered(subject: string): Promise<OfferedFault[]> {
  const [{ faults }, members] = await Promise.all([loadRoom(subject, "faults"), membersOf(subject)]);
  return faults.map(({ name, title, by, targets, ttlMs }) => ({
    subject,
    fault: name,
    title,
    by,
    targets: targets(members),
    ttlMs,
  }));
}

/** The members that the room starts. Which of them run only the supervisor knows, and it tells chaos alone. */
async function membersOf(subject: string): Promise<Member[]> {
  const { processes } = await loadRoom(subject, "processes");
  const ports = Object.fromEntries(processes.ports.map((name) => [name, 1]));
  const secrets = Object.fromEntries(processes.secrets.map((name) => [name, "none"]));
  return processes
    .specs({ ports, folder: "none", secrets })
    .flatMap(({ target, kind }) =>
      target === undefined || kind === undefined ? [] : [{ target, kind, state: "running" as const }],
    );
}
