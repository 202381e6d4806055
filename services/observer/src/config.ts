import { SubjectName } from "@operator/contracts/names";
import { roomNames } from "@operator/subject/load";

/** The observer's own variables; the room's come beside them. */
export const ownSettings = {
  OPERATOR_SUBJECT: SubjectName.refine((name) => roomNames().includes(name), {
    error: () => `no such subject; there are ${roomNames().join(", ")}`,
  }),
};
