import { Answer, type Rejection } from "@operator/contracts/diagnosis";
import { reject } from "./rejection.ts";
import { plainText } from "./telemetry.ts";

const rejectionsMax = 50;

/**
 * Reads an answer out of a model's text, which is hostile input like any other. Prose that is too long is cut, as no claim
 * hangs on its end; anything else that the schema doesn't allow is a rejection.
 */
export function readAnswer(text: string): { answer: Answer } | { rejections: Rejection[] } {
  let said: unknown;
  try {
    said = JSON.parse(text);
  } catch (error) {
    return { rejections: [reject("ANSWER_MALFORMED", "answer", `it's no JSON: ${String(error)}`)] };
  }
  const whole = withProposals(said);
  let parsed = Answer.safeParse(whole);
  if (!parsed.success && parsed.error.issues.some(({ code }) => code === "too_big")) {
    for (const issue of parsed.error.issues) {
      if (issue.code === "too_big" && issue.origin === "string") cut(whole, issue.path, Number(issue.maximum));
    }
    parsed = Answer.safeParse(whole);
  }
  if (parsed.success) return { answer: parsed.data };
  const issues = parsed.error.issues.slice(0, rejectionsMax);
  return {
    rejections: issues.map(({ path, message }) => reject("ANSWER_MALFORMED", ["answer", ...path].join("."), message)),
  };
}

/** Where the catalogue is empty there are no proposals, and an action without parameters is proposed without any. */
function withProposals(said: unknown): unknown {
  if (!isRecord(said)) return said;
  const { proposals = [] } = said;
  if (!Array.isArray(proposals)) return said;
  return {
    ...said,
    proposals: proposals.map((each: unknown) => (isRecord(each) ? { parameters: {}, ...each } : each)),
  };
}

function cut(document: unknown, path: readonly PropertyKey[], charsMax: number): void {
  const key = path.at(-1);
  let holder: unknown = document;
  for (const step of path.slice(0, -1)) holder = isHolder(holder) ? Reflect.get(holder, step) : undefined;
  const text: unknown = isHolder(holder) && key !== undefined ? Reflect.get(holder, key) : undefined;
  // A quote is right or it isn't, at any length; so is a target's name.
  if (typeof text !== "string" || key === "quote" || key === "target" || !isHolder(holder)) return;
  Reflect.set(holder, key ?? "", plainText(text, charsMax));
}

function isHolder(value: unknown): value is object {
  return value !== null && typeof value === "object";
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return isHolder(value) && !Array.isArray(value);
}
