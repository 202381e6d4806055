import { readFileSync } from "node:fs";
import { Risk } from "@operator/contracts/action";
import { SubjectName } from "@operator/contracts/names";
import { parse } from "yaml";
import { z } from "zod";

/** `deny`: never. `propose`: a person decides. `auto`: done without one, where the playbook proposes the same. */
export const Decision = z.enum(["deny", "propose", "auto"]);
export type Decision = z.infer<typeof Decision>;

/** What may be done without asking, what never: the nearest word counts, and where there's none a person decides. */
export const Policy = z.strictObject({
  default: Decision.default("propose"),
  /** By risk. */
  risks: z.partialRecord(Risk, Decision).default({}),
  subjects: z
    .record(
      SubjectName,
      z.strictObject({ default: Decision.optional(), actions: z.record(z.string(), Decision).default({}) }),
    )
    .default({}),
  /** Actions executed for one subject within an hour, at most. */
  perHourMax: z.int().min(1).max(1_000).default(12),
});
export type Policy = z.infer<typeof Policy>;

/** The policy of a file; throws with every mistake in it. */
export function readPolicy(file: string | undefined): Policy {
  if (file === undefined) return Policy.parse({});
  const read = Policy.safeParse(parse(readFileSync(file, "utf8")) ?? {});
  if (read.success) return read.data;
  throw new Error(`the policy "${file}" can't be used:\n${z.prettifyError(read.error)}`);
}

/** What the policy says of an action, and where it says so. The action's own line first, then risk, subject, default. */
export function decisionOf(
  policy: Policy,
  { subject, action, risk }: { subject: SubjectName; action: string; risk: Risk },
): { decision: Decision; rule: string } {
  const ofSubject = policy.subjects[subject];
  const byAction = ofSubject?.actions[action];
  if (byAction) return { decision: byAction, rule: `subjects.${subject}.actions.${action}` };
  const byRisk = policy.risks[risk];
  if (byRisk) return { decision: byRisk, rule: `risks.${risk}` };
  if (ofSubject?.default) return { decision: ofSubject.default, rule: `subjects.${subject}.default` };
  return { decision: policy.default, rule: "default" };
}
