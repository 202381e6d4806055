import type { Member } from "@operator/subject/fault";

const minute = 60_000;
/** Long enough for what the loop needs a minute for, and for a person to look. */
export const ttlMs = { default: 2 * minute, max: 10 * minute };

/** The members of this kind. */
export const ofKind = (kind: "store" | "pd") => (members: Member[]) =>
  members.filter((member) => member.kind === kind).map(({ target }) => target);

/** Regions have three replicas on any stores: with two stores out, some of them have lost their quorum. */
export function breaksRegions(target: string, members: Member[]): string | undefined {
  const out = othersOut("store", target, members);
  if (out.length === 0) return undefined;
  return `${out.join(", ")} is out already: regions with a replica on both would lose their quorum`;
}

/** PD needs more than half of its members. */
export function breaksPd(target: string, members: Member[]): string | undefined {
  const all = ofKind("pd")(members).length;
  const left = all - 1 - othersOut("pd", target, members).length;
  const quorum = Math.floor(all / 2) + 1;
  return left >= quorum ? undefined : `${left} of ${all} PD members would be left: ${quorum} are its quorum`;
}

/** Slower or fuller than it was, every region still has its replicas. */
export const breaksNothing = () => undefined;

function othersOut(kind: string, target: string, members: Member[]): string[] {
  const out = members.filter((one) => one.kind === kind && one.target !== target && one.state !== "running");
  return out.map((one) => one.target);
}
