import type { EvidenceId } from "@operator/contracts/evidence";
import type { Citations } from "@operator/evidence/citations";
import { TargetName } from "@operator/contracts/names";
import type { CaseFact, CaseFile } from "@operator/subject/case-file";
import { ProbeReading } from "@operator/subject/probe";

type Side = CaseFact["snapshot"];
type ProbeState = ProbeReading["state"];

/** Citing more members than these shows nothing more. */
const membersCitedMax = 5;

/** What a case file shows of the rate limiter, asked the way the rules ask: each answer undefined where nothing shows it. */
export class Sight {
  readonly file: CaseFile;
  readonly citations: Citations;
  readonly redis = TargetName.parse("redis");

  constructor(file: CaseFile, citations: Citations) {
    this.file = file;
    this.citations = citations;
  }

  /** Every node but this one. */
  otherNodes(node: string): TargetName[] {
    return this.file.topology
      .filter(({ kind, name }) => kind === "node" && name !== node)
      .map(({ name }) => TargetName.parse(name));
  }

  probe(target: string, side: Side = "first_bad"): ProbeState | undefined {
    return ProbeReading.shape.state.safeParse(this.citations.value(side, "parts", "probe", target, "state")).data;
  }

  citeProbe(target: string, shows: string, side: Side = "first_bad"): EvidenceId[] {
    return this.citations.cite(shows, side, "parts", "probe", target, "state");
  }

  /** Cites how these answer the probe, of at most a few. */
  citeProbes(targets: readonly string[], state: ProbeState, shows: (target: string) => string): EvidenceId[] {
    return targets
      .filter((target) => this.probe(target) === state)
      .slice(0, membersCitedMax)
      .flatMap((target) => this.citeProbe(target, shows(target)));
  }

  text(...path: string[]): string | undefined {
    const value = this.citations.value("first_bad", ...path);
    return typeof value === "string" ? value : undefined;
  }

  number(...path: string[]): number | undefined {
    return this.numberOf("first_bad", ...path);
  }

  numberOf(side: Side, ...path: string[]): number | undefined {
    const value = this.citations.value(side, ...path);
    return typeof value === "number" ? value : undefined;
  }

  flag(...path: string[]): boolean | undefined {
    const value = this.citations.value("first_bad", ...path);
    return typeof value === "boolean" ? value : undefined;
  }

  /** The registry lists the node as departed, and no longer as a member: it said goodbye itself. */
  hasLeft(node: string): boolean {
    const members = this.citations.value("first_bad", "parts", "registry", "cluster", "members");
    const departedMs = this.number("parts", "registry", "cluster", "departed", node);
    return departedMs !== undefined && Array.isArray(members) && !members.includes(node);
  }

  /** How old a node's last heartbeat was, both times by Redis' clock. */
  heartbeatAgeMs(node: string): number | undefined {
    const now = this.number("parts", "registry", "cluster", "redisTimeMs");
    const beat = this.number("parts", "registry", "cluster", "nodes", node, "heartbeatAtMs");
    return now === undefined || beat === undefined ? undefined : Math.max(0, now - beat);
  }
}

/** A duration for a sentence: `0.7 s`, `12 s`, `3 min`. */
export function seconds(durationMs: number): string {
  if (durationMs < 10_000) return `${(durationMs / 1000).toFixed(1)} s`;
  return durationMs < 120_000 ? `${Math.round(durationMs / 1000)} s` : `${Math.round(durationMs / 60_000)} min`;
}
