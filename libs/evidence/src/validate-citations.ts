import type { Answer, Rejection } from "@operator/contracts/diagnosis";
import type { Fact } from "@operator/contracts/evidence";
import type { TicketId } from "@operator/contracts/ticket-id";
import { addressOfDocument, type Document, kindOfAddress, timeOf, valueOf } from "./documents.ts";
import { canonicalJson, quoteOf } from "./quote.ts";
import { reject, shown } from "./rejection.ts";

/** Each fact is what its document says at its pointer, at the time that is said there. */
export function ofFacts(
  facts: Fact[],
  about: { subject: string; ticket: TicketId },
  lookup: (address: string) => Document | undefined,
): Rejection[] {
  const documents = new Map<string, Document | undefined>();
  const ids = new Set<string>();
  return facts.flatMap((fact, at): Rejection[] => {
    const path = `facts.${at}`;
    if (ids.has(fact.id)) return [reject("FACT_DUPLICATE", `${path}.id`, `${fact.id} is the id of two facts`)];
    ids.add(fact.id);
    if (!kindOfAddress(fact.address, about)) {
      const message = `${shown(fact.address)} is no address of evidence of ${about.subject}, nor of what ticket ${about.ticket} was told`;
      return [reject("FACT_ADDRESS", `${path}.address`, message)];
    }
    if (!documents.has(fact.address)) documents.set(fact.address, lookup(fact.address));
    const document = documents.get(fact.address);
    if (!document || addressOfDocument(document) !== fact.address) {
      return [reject("FACT_NOT_STORED", `${path}.address`, `${fact.address} is not in EVIDENCE`)];
    }
    const atMs = timeOf(document, fact.pointer);
    if (fact.atMs !== atMs) {
      const message = `${fact.id} is dated ${fact.atMs}, the evidence ${atMs}`;
      return [reject("FACT_TIME", `${path}.atMs`, message)];
    }
    const value = valueOf(document, fact.pointer);
    if (value === undefined) {
      return [reject("FACT_POINTER", `${path}.pointer`, `${shown(fact.pointer)} names nothing in ${fact.address}`)];
    }
    if (canonicalJson(value) === canonicalJson(fact.value)) return [];
    const message = `${fact.id} says ${shown(fact.value)}, the evidence ${shown(value)}`;
    return [reject("FACT_DIFFERS", `${path}.value`, message)];
  });
}

/** Each item of evidence quotes a fact as it is. */
export function ofEvidence({ evidence }: Answer, facts: Fact[]): Rejection[] {
  const ids = new Set<string>();
  return evidence.flatMap(({ id, quote }, at): Rejection[] => {
    const path = `answer.evidence.${at}`;
    if (ids.has(id)) return [reject("EVIDENCE_DUPLICATE", `${path}.id`, `${id} is listed twice`)];
    ids.add(id);
    const fact = facts.find((each) => each.id === id);
    if (!fact) return [reject("FACT_MISSING", `${path}.id`, `there is no fact ${id}`)];
    const wanted = quoteOf(fact.value);
    if (quote === wanted) return [];
    return [
      reject("QUOTE_DIFFERS", `${path}.quote`, `${id} is quoted as ${shown(quote)}, its value is ${shown(wanted)}`),
    ];
  });
}

/** Each id cited anywhere is an item of evidence. */
export function ofCitations(answer: Answer): Rejection[] {
  const listed = new Set<string>(answer.evidence.map(({ id }) => id));
  return citationsOf(answer)
    .filter(({ id }) => !listed.has(id))
    .map(({ id, path }) => reject("CITATION_UNKNOWN", path, `${id} is cited, but not listed as evidence`));
}

/** Every place of an answer that cites. */
export function citationsOf({ rootCauses, timeline, alternatives }: Answer): { id: Fact["id"]; path: string }[] {
  const at = (path: string, ids: Fact["id"][]) => ids.map((id, place) => ({ id, path: `answer.${path}.${place}` }));
  return [
    ...rootCauses.flatMap(({ evidence }, place) => at(`rootCauses.${place}.evidence`, evidence)),
    ...timeline.flatMap(({ evidence }, place) => at(`timeline.${place}.evidence`, evidence)),
    ...alternatives.flatMap((each, place) => [
      ...at(`alternatives.${place}.for`, each.for),
      ...at(`alternatives.${place}.against`, each.against),
    ]),
  ];
}
