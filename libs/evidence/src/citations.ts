import type { Answer } from "@operator/contracts/diagnosis";
import type { EvidenceId } from "@operator/contracts/evidence";
import { type Json, toPointer } from "@operator/contracts/json";
import type { CaseFact, CaseFile } from "@operator/subject/case-file";
import { quoteOf } from "./quote.ts";

/** Cites the facts of a case file, so that what an answer lists as evidence is what it cites, each quoted by code. */
export class Citations {
  readonly #facts: readonly CaseFact[];
  readonly #evidence = new Map<EvidenceId, { quote: string; shows: string }>();

  constructor({ facts }: Pick<CaseFile, "facts">) {
    this.#facts = facts;
  }

  /** The value at a path, from the snapshot named. Undefined: no such fact, which says nothing. */
  value(snapshot: CaseFact["snapshot"], ...path: string[]): Json | undefined {
    return this.#find(snapshot, path)?.value;
  }

  /** Cites the fact at a path, with what it shows. None when the file has no such fact, so that nothing is claimed of it. */
  cite(shows: string, snapshot: CaseFact["snapshot"], ...path: string[]): EvidenceId[] {
    const fact = this.#find(snapshot, path);
    if (!fact) return [];
    // What a fact shows is said once, where it is cited first.
    if (!this.#evidence.has(fact.id)) this.#evidence.set(fact.id, { quote: quoteOf(fact.value), shows });
    return [fact.id];
  }

  /** All that was cited so far, by number. */
  evidence(): Answer["evidence"] {
    return [...this.#evidence]
      .map(([id, { quote, shows }]) => ({ id, quote, shows }))
      .sort((a, b) => Number(a.id.slice(1)) - Number(b.id.slice(1)));
  }

  #find(snapshot: CaseFact["snapshot"], path: string[]): CaseFact | undefined {
    const pointer = toPointer(path);
    return this.#facts.find((fact) => fact.snapshot === snapshot && fact.pointer === pointer);
  }
}
