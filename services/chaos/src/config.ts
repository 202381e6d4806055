import { SubjectName } from "@operator/contracts/names";
import { readConfig } from "@operator/service/config";
import { loadRoom, roomNames } from "@operator/subject/load";
import { z } from "zod";

const own = {
  /** Whose faults may be made, e.g. `ratelimiter,tikv`. */
  OPERATOR_SUBJECTS: z
    .string()
    .transform((names) => names.split(",").map((name) => name.trim()))
    .pipe(
      z
        .array(
          SubjectName.refine((name) => roomNames().includes(name), {
            error: () => `no such subject; there are ${roomNames().join(", ")}`,
          }),
        )
        .min(1),
    ),
  /** The supervisor's socket for chaos. */
  OPERATOR_SUPERVISOR_SOCKET: z.string().min(1),
};

/** Chaos' variables and those of its subjects' rooms; every bad one is said at once. */
export async function readChaosConfig(environment: Record<string, string | undefined>) {
  const subjects = own.OPERATOR_SUBJECTS.safeParse(environment["OPERATOR_SUBJECTS"]);
  // Without subjects there are no rooms whose variables could be checked.
  const rooms = await Promise.all((subjects.data ?? []).map((subject) => loadRoom(subject, "settings")));
  const shape = rooms.reduce((all, { settings }) => ({ ...all, ...settings }), {});
  return readConfig({ ...shape, ...own }, environment);
}
