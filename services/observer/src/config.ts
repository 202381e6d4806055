import { SubjectName } from "@operator/contracts/names";
import { readConfig } from "@operator/service/config";
import { loadRoom, roomNames } from "@operator/subject/load";

const own = {
  OPERATOR_SUBJECT: SubjectName.refine((name) => roomNames().includes(name), {
    error: () => `no such subject; there are ${roomNames().join(", ")}`,
  }),
};

/** The observer's variables and those of its subject's room; every bad one is said at once. */
export async function readObserverConfig(environment: Record<string, string | undefined>) {
  const subject = own.OPERATOR_SUBJECT.safeParse(environment["OPERATOR_SUBJECT"]);
  // Without a subject there is no room whose variables could be checked.
  const room = subject.success ? (await loadRoom(subject.data, "settings")).settings : {};
  return readConfig({ ...room, ...own }, environment);
}
