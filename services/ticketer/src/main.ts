import { SubjectName } from "@operator/contracts/names";
import { readConfig } from "@operator/service/config";
import { runService } from "@operator/service/run-service";
import { z } from "zod";
import { run } from "./run.ts";

const config = readConfig(
  {
    /** Whose checkers are watched, e.g. `ratelimiter,tikv`; tickets of any other subject are kept all the same. */
    OPERATOR_SUBJECTS: z
      .string()
      .transform((names) => names.split(",").map((name) => name.trim()))
      .pipe(z.array(SubjectName).min(1)),
  },
  process.env,
);

await runService({
  name: "ticketer",
  config,
  run: (context) => run(context, { subjects: config.OPERATOR_SUBJECTS }),
});
