import type { Member } from "@operator/subject/fault";
import { exampleKeyTargets } from "./example-keys.ts";

/** The members of this kind. */
export const ofKind = (kind: string) => (members: Member[]) =>
  members.filter((member) => member.kind === kind).map(({ target }) => target);

/** The keys of the example's load, where its Redis is a member: nobody else's keys are touched. */
export const exampleKeysOf = (members: Member[]): string[] =>
  members.some(({ kind }) => kind === "redis") ? exampleKeyTargets : [];
