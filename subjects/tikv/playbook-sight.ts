import type { EvidenceId } from "@operator/contracts/evidence";
import type { Json } from "@operator/contracts/json";
import { TargetName } from "@operator/contracts/names";
import type { Citations } from "@operator/evidence/citations";
import type { CaseFile } from "@operator/subject/case-file";
import { ProbeReading } from "@operator/subject/probe";
import { diskScoreMax } from "./invariant-pd-word.ts";
import type { State } from "./state.ts";
import { cluster } from "./targets.ts";

type Source = keyof State;
type Path = [source: Source, target: string, ...fields: string[]];

/** Citing more members than these shows nothing more. */
const membersCitedMax = 5;

/** What a case file shows of the cluster, asked the way the rules ask: undefined where nothing shows it. */
export class Sight {
  readonly file: CaseFile;
  readonly citations: Citations;
  readonly cluster = TargetName.parse(cluster);

  constructor(file: CaseFile, citations: Citations) {
    this.file = file;
    this.citations = citations;
  }

  /** What the ticket is about. */
  get target(): TargetName {
    return this.file.violation.target;
  }

  stores(except?: string): TargetName[] {
    return this.#targets("store", except);
  }

  members(except?: string): TargetName[] {
    return this.#targets("pd", except);
  }

  /** A target by its name, when the topology has it. */
  named(name: string | undefined): TargetName | undefined {
    return [...this.stores(), ...this.members(), ...this.#targets("region")].find((each) => each === name);
  }

  text(...path: Path): string | undefined {
    const value = this.#value(path);
    return typeof value === "string" ? value : undefined;
  }

  number(...path: Path): number | undefined {
    const value = this.#value(path);
    return typeof value === "number" ? value : undefined;
  }

  flag(...path: Path): boolean | undefined {
    const value = this.#value(path);
    return typeof value === "boolean" ? value : undefined;
  }

  list(...path: Path): string[] | undefined {
    const value = this.#value(path);
    return Array.isArray(value) ? value.filter((each) => typeof each === "string") : undefined;
  }

  /** A number as the last good snapshot has it; undefined also when it hasn't changed since. */
  numberBefore(...path: Path): number | undefined {
    const value = this.citations.value("last_good", "parts", ...path);
    return typeof value === "number" ? value : undefined;
  }

  cite(shows: string, ...path: Path): EvidenceId[] {
    return this.citations.cite(shows, "first_bad", "parts", ...path);
  }

  citeBefore(shows: string, ...path: Path): EvidenceId[] {
    return this.citations.cite(shows, "last_good", "parts", ...path);
  }

  probe(member: string): ProbeReading["state"] | undefined {
    return ProbeReading.shape.state.safeParse(this.#value(["probe", member, "state"])).data;
  }

  citeProbe(member: string, shows: string): EvidenceId[] {
    return this.cite(shows, "probe", member, "state");
  }

  isUp(member: string): boolean {
    return this.probe(member) === "up";
  }

  isDown(member: string): boolean {
    return this.probe(member) === "refused" || this.probe(member) === "silent";
  }

  /** PD moves everything off it, as it was told to: its end is no fault. */
  isLeaving(store: string): boolean {
    return this.text("stores", store, "state") === "Offline" || this.text("stores", store, "nodeState") === "Removing";
  }

  /** Stores that don't answer and should. */
  deadStores(): TargetName[] {
    return this.stores().filter((store) => this.isDown(store) && !this.isLeaving(store));
  }

  /** By its own score of its disk. */
  isSlow(store: string): boolean {
    return (this.number("stores", store, "slowScore") ?? 1) >= diskScoreMax;
  }

  /** Something that is seen speaks against giving it leaders: an action's guard sees more, and fresher. */
  isUnfitToLead(store: string): boolean {
    return (
      this.isDown(store) ||
      (this.text("stores", store, "state") ?? "Up") !== "Up" ||
      this.flag("stores", store, "isBusy") === true ||
      this.list("schedule", this.cluster, "evictLeader")?.includes(store) === true ||
      this.isSlow(store)
    );
  }

  /** Cites that these answer, of at most a few. */
  citeUp(members: readonly string[]): EvidenceId[] {
    return members
      .filter((member) => this.isUp(member))
      .slice(0, membersCitedMax)
      .flatMap((member) => this.citeProbe(member, `${member} answers the same observer at the same time`));
  }

  #value(path: Path): Json | undefined {
    return this.citations.value("first_bad", "parts", ...path);
  }

  #targets(kind: string, except?: string): TargetName[] {
    return this.file.topology
      .filter((each) => each.kind === kind && each.name !== except)
      .map(({ name }) => TargetName.parse(name));
  }
}

/** A duration for a sentence: `0.7 s`, `12 s`, `3 min`. */
export function seconds(durationMs: number): string {
  if (durationMs < 10_000) return `${(durationMs / 1000).toFixed(1)} s`;
  return durationMs < 120_000 ? `${Math.round(durationMs / 1000)} s` : `${Math.round(durationMs / 60_000)} min`;
}
