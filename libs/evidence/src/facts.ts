import { EvidenceId } from "@operator/contracts/evidence";
import { type Json, toPointer } from "@operator/contracts/json";
import type { Snapshot } from "@operator/contracts/snapshot";
import type { EvidenceReference, Violation } from "@operator/contracts/violation";
import type { CaseFact } from "@operator/subject/case-file";
import { differencesOf } from "./differences.ts";
import { leafCharsMax, leavesOf } from "./leaves.ts";
import { canonicalJson } from "./quote.ts";
import { namesSecret, redact } from "./secrets.ts";

const factsMaxDefault = 200;
const leavesMax = 200_000;
const neighboursMax = 20;

/** A snapshot that was fetched from EVIDENCE. */
export interface Kept {
  address: string;
  snapshot: Snapshot;
}

/**
 * The facts of a case, numbered from E1, the same for the same snapshots: the violation's own pointers, the same of
 * its neighbours, what differs, what the sources involved report, the rest; within each, first what is near to the target.
 * A value that holds a secret or is too long to quote is no fact: a fact is exact or it isn't one.
 */
export function factsOf(given: {
  violation: Violation;
  firstBad?: Kept | undefined;
  lastGood?: Kept | undefined;
  /** Targets, nearest to the violation first. */
  near: readonly string[];
  factsMax?: number;
  /** Of the caller's own environment. */
  secrets?: readonly string[] | undefined;
}): { facts: CaseFact[]; leftOut: number } {
  const sides: Side[] = [];
  if (given.firstBad) sides.push(sideOf("first_bad", given.firstBad, given.violation.firstBad));
  if (given.lastGood) sides.push(sideOf("last_good", given.lastGood, given.violation.lastGood));
  const byNearness = nearnessOf(given.near);
  const own = [...new Set(sides.flatMap((side) => side.reference?.pointers ?? []))];
  const candidates = [
    ...own.flatMap((pointer) => leavesUnder(sides, pointer)),
    "/atMs",
    ...own.flatMap((pointer) => siblingsOf(sides, pointer, given.near)),
    ...byNearness(changedPointers(given)),
    ...byNearness(reportPointers(sides, involvedSources(own, given.violation))),
    ...byNearness(sides.flatMap((side) => [...side.leaves.keys()].filter((pointer) => pointer.startsWith("/parts/")))),
    ...byNearness(
      sides.flatMap((side) => [...side.leaves.keys()].filter((pointer) => pointer.startsWith("/sources/"))),
    ),
  ];
  const owned = new Set(own.flatMap((pointer) => leavesUnder(sides, pointer)));
  const facts: CaseFact[] = [];
  let leftOut = 0;
  for (const pointer of new Set(candidates)) {
    for (const side of sides) {
      const value = side.leaves.get(pointer);
      if (value === undefined || !isTellable(pointer, value, given.secrets)) continue;
      // What didn't change is told once, but for what the violation is about.
      if (side !== sides[0] && !owned.has(pointer) && isSame(sides[0]?.leaves.get(pointer), value)) continue;
      if (facts.length >= (given.factsMax ?? factsMaxDefault)) leftOut += 1;
      else {
        const id = EvidenceId.parse(`E${facts.length + 1}`);
        facts.push({ id, address: side.address, pointer, value, atMs: side.atMs, snapshot: side.name });
      }
    }
  }
  return { facts, leftOut };
}

/** May this value be told? Secrets and what is too long to quote may not. */
export function isTellable(pointer: string, value: Json, secrets: readonly string[] = []): boolean {
  // A text is quoted as it is: the marks that JSON puts into it don't count.
  const text = typeof value === "string" ? value : canonicalJson(value);
  return text.length <= leafCharsMax && redact(text, secrets) === text && !pointer.split("/").some(namesSecret);
}

interface Side {
  name: CaseFact["snapshot"];
  address: string;
  atMs: number;
  leaves: Map<string, Json>;
  inner: ReadonlySet<string>;
  reference: EvidenceReference | undefined;
}

function sideOf(name: CaseFact["snapshot"], kept: Kept, reference: EvidenceReference | undefined): Side {
  const { address, snapshot } = kept;
  const leaves = leavesOf(asJson(snapshot), leavesMax);
  return { name, address, atMs: snapshot.atMs, leaves, inner: innerOf(leaves), reference };
}

/** A snapshot as the JSON that it came as. */
export function asJson(snapshot: Snapshot): Json {
  // Its schema admits nothing but JSON; only the optional fields' `undefined` hides that from the compiler.
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion
  return snapshot as Json;
}

/** A pointer of the violation may name a whole reading: its values are the facts. Most name one value, or what isn't there. */
function leavesUnder(sides: Side[], pointer: string): string[] {
  return sides.flatMap(({ leaves, inner }) => {
    if (leaves.has(pointer)) return [pointer];
    return inner.has(pointer) ? [...leaves.keys()].filter((each) => each.startsWith(`${pointer}/`)) : [];
  });
}

/** The pointers of what holds values. */
function innerOf(leaves: ReadonlyMap<string, Json>): Set<string> {
  const inner = new Set<string>();
  for (const pointer of leaves.keys()) {
    for (let at = pointer.lastIndexOf("/"); at > 0; at = pointer.lastIndexOf("/", at - 1)) {
      const above = pointer.slice(0, at);
      if (inner.has(above)) break;
      inner.add(above);
    }
  }
  return inner;
}

/** What the violation points at, read of its neighbours: `/parts/probe/node-b/state` beside `/parts/probe/node-a/state`. */
function siblingsOf(sides: Side[], pointer: string, near: readonly string[]): string[] {
  const [, part, source, target, ...rest] = pointer.split("/");
  if (part !== "parts" || source === undefined || target === undefined) return [];
  return near
    .slice(0, neighboursMax)
    .flatMap((other) => leavesUnder(sides, ["", part, source, tokenOf(other), ...rest].join("/")));
}

function tokenOf(target: string): string {
  return toPointer([target]).slice(1);
}

function isSame(a: Json | undefined, b: Json): boolean {
  return a !== undefined && canonicalJson(a) === canonicalJson(b);
}

function changedPointers({ firstBad, lastGood }: { firstBad?: Kept | undefined; lastGood?: Kept | undefined }) {
  if (!firstBad || !lastGood) return [];
  return differencesOf(asJson(lastGood.snapshot), asJson(firstBad.snapshot), leavesMax).map(({ pointer }) => pointer);
}

function involvedSources(pointers: string[], { detail }: Violation): string[] {
  const named = pointers.flatMap((pointer) => /^\/(?:parts|sources)\/([^/]+)/.exec(pointer)?.[1] ?? []);
  return [...new Set(detail.kind === "blind" ? [detail.source, ...named] : named)];
}

function reportPointers(sides: Side[], sources: string[]): string[] {
  return sources.flatMap((source) => leavesUnder(sides, toPointer(["sources", source])));
}

/** Sorts pointers by the nearest target that they name. */
function nearnessOf(near: readonly string[]): (pointers: string[]) => string[] {
  const place = new Map(near.map((target, at) => [tokenOf(target), at]));
  const placeOf = (pointer: string) =>
    Math.min(near.length, ...pointer.split("/").map((part) => place.get(part) ?? near.length));
  return (pointers) =>
    pointers
      .map((pointer) => ({ pointer, place: placeOf(pointer) }))
      .sort((a, b) => a.place - b.place || (a.pointer < b.pointer ? -1 : 1))
      .map(({ pointer }) => pointer);
}
