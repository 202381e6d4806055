import { patternOf } from "@operator/contracts/channel";
import type { Answer, Rejection } from "@operator/contracts/diagnosis";
import type { Fact } from "@operator/contracts/evidence";
import { flow } from "@operator/contracts/flow";
import type { Snapshot } from "@operator/contracts/snapshot";
import { valueOf } from "./facts.ts";
import { canonicalJson, quoteOf } from "./quote.ts";
import { reject, shown } from "./rejection.ts";

/** Each fact is what its document says at its pointer, at the document's time. */
export function ofFacts(
  facts: Fact[],
  subject: string,
  lookup: (address: string) => Snapshot | undefined,
): Rejection[] {
  const [before = "", after = ""] = patternOf(flow.evidence, { subject }).split("*");
  const documents = new Map<string, Snapshot | undefined>();
  const ids = new Set<string>();
  return facts.flatMap((fact, at): Rejection[] => {
    const path = `facts.${at}`;
    if (ids.has(fact.id)) return [reject("FACT_DUPLICATE", `${path}.id`, `${fact.id} is the id of two facts`)];
    ids.add(fact.id);
    const time = fact.address.slice(before.length, fact.address.length - after.length);
    if (`${before}${time}${after}` !== fact.address || !/^\d{1,16}$/.test(time)) {
      const message = `${shown(fact.address)} is no address of evidence of ${subject}; wanted ${before}<ms>${after}`;
      return [reject("FACT_ADDRESS", `${path}.address`, message)];
    }
    if (!documents.has(fact.address)) documents.set(fact.address, lookup(fact.address));
    const document = documents.get(fact.address);
    if (!document || document.subject !== subject || String(document.atMs) !== time) {
      return [reject("FACT_NOT_STORED", `${path}.address`, `${fact.address} is not in EVIDENCE`)];
    }
    if (fact.atMs !== document.atMs) {
      const message = `${fact.id} is dated ${fact.atMs}, its document ${document.atMs}`;
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
