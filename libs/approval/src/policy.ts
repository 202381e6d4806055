import { readFileSync } from "node:fs";
import { Risk } from "@operator/contracts/action";
import { SubjectName } from "@operator/contracts/names";
import { parse } from "yaml";
import { z } from "zod";

/** `deny`: never. `propose`: a person decides. `auto`: done without one, where the playbook proposes the same. */
const Decision = z.enum(["deny", "propose", "auto"]);
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
  /** Actions begun for one subject within an hour, at most. */
  perHourMax: z.int().min(1).max(1_000).default(12),
  /** Multiplies the time that each action gives itself before it's done to the same target again. */
  coolDownScale: z.number().min(0).max(100).default(1),
});
export type Policy = z.infer<typeof Policy>;

/** The policy can't be used: the message names the file, quotes what is wrong in it and says what to do. */
export class PolicyError extends Error {
  readonly code: "POLICY_MISSING" | "POLICY_UNREADABLE";

  constructor(code: PolicyError["code"], message: string) {
    super(message);
    this.name = "PolicyError";
    this.code = code;
  }
}

/** The policy of a YAML file; without a file a person decides everything. Throws a `PolicyError` with every mistake in it. */
export function readPolicy(file: string | undefined): Policy {
  if (file === undefined) return Policy.parse({});
  const unusable = (why: string) =>
    new PolicyError(
      "POLICY_UNREADABLE",
      `the policy "${file}" can't be used: ${why}; mend it, nothing is done meanwhile`,
    );
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (error) {
    const why = `the policy "${file}" can't be read (${wordsOf(error)}): name one that there is, or none`;
    throw new PolicyError("POLICY_MISSING", why);
  }
  let written: unknown;
  try {
    written = parse(text) ?? {};
  } catch (error) {
    throw unusable(`it isn't YAML: ${wordsOf(error)}`);
  }
  const read = Policy.safeParse(written);
  if (read.success) return read.data;
  const wrong = read.error.issues.map(({ path, message }) => {
    const value = path.reduce<unknown>((at, name) => (isObject(at) ? at[String(name)] : undefined), written);
    return `${path.join(".") || "the document"}: ${message}${value === undefined ? "" : `, not ${JSON.stringify(value).slice(0, 200)}`}`;
  });
  throw unusable(wrong.join("; "));
}

/** What the policy says of an action, and where it says so. The action's own line first, then risk, subject, default. */
export function decisionOf(
  policy: Policy,
  { subject, action, risk }: { subject: SubjectName; action: string; risk: Risk },
): { decision: Decision; rule: string } {
  const ofSubject = own(policy.subjects, subject);
  const byAction = ofSubject && own(ofSubject.actions, action);
  if (byAction) return { decision: byAction, rule: `subjects.${subject}.actions.${action}` };
  const byRisk = policy.risks[risk];
  if (byRisk) return { decision: byRisk, rule: `risks.${risk}` };
  if (ofSubject?.default) return { decision: ofSubject.default, rule: `subjects.${subject}.default` };
  return { decision: policy.default, rule: "default" };
}

/** A name like `constructor` is no line of the file. */
function own<T>(record: Record<string, T>, name: string): T | undefined {
  return Object.hasOwn(record, name) ? record[name] : undefined;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}

function wordsOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
