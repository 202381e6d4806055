import type { Violation } from "@operator/contracts/violation";

/** The part of the subject that a violation is about: of a blindness, what isn't seen any more. */
export function aboutOf({ detail, target }: Pick<Violation, "detail" | "target">): string {
  return detail.kind === "blind" ? detail.about : target;
}
