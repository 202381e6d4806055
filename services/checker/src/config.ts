import { SubjectName } from "@operator/contracts/names";
import { readConfig } from "@operator/service/config";
import { roomNames } from "@operator/subject/load";
import { z } from "zod";

const rooms = roomNames();

export const config = readConfig(
  {
    OPERATOR_SUBJECT: SubjectName.refine((name) => rooms.includes(name), `a subject with a room: ${rooms.join(", ")}`),
    /** Multiplies graces, hold-downs and explanation times: below 1 a demo or test waits less. */
    OPERATOR_GRACE_SCALE: z.coerce.number().min(0.001).max(100).default(1),
  },
  process.env,
);
