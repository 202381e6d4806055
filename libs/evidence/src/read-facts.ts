import { EvidenceId, type Fact } from "@operator/contracts/evidence";
import type { ReadEvidence } from "@operator/contracts/tool-evidence";
import { isTellable } from "./facts.ts";
import { isoTime, jsonLine } from "./json-line.ts";
import { leavesOf } from "./leaves.ts";
import { quoteOf } from "./quote.ts";

const leavesMax = 2_000;
/** Of the lines of one answer: some 5,000 tokens. */
const charsMax = 16_000;

/** What a read tool said, where it's kept. */
export interface KeptRead {
  address: string;
  document: ReadEvidence;
}

/**
 * What a read tool said as facts, numbered behind `after`, and as the text that a model is given: delimited as a case file is,
 * each fact with the quote that a citation of it has to say. What had no room in the text is no fact.
 */
export function readFactsOf(
  { address, document }: KeptRead,
  { after, nonce, secrets }: { after: number; nonce: string; secrets: readonly string[] },
): { facts: Fact[]; text: string } {
  const { tool, parameters, readAtMs, value, leftOut } = document;
  // In its own order: a read tool says the most telling first, and the end is what has no room.
  const leaves = leavesOf(value, leavesMax, { path: ["value"], order: "own" });
  const tellable = [...leaves].filter(([at, each]) => isTellable(at, each, secrets));
  const facts: Fact[] = [];
  const lines: string[] = [];
  let chars = 0;
  for (const [pointer, value] of tellable) {
    const id = EvidenceId.parse(`E${after + facts.length + 1}`);
    const line = jsonLine({ id, pointer, quote: quoteOf(value) }, secrets);
    chars += line.length + 1;
    if (chars > charsMax) break;
    facts.push({ id, address, pointer, value, atMs: readAtMs });
    lines.push(line);
  }
  const missing = leftOut + tellable.length - facts.length;
  const head = jsonLine({ tool, parameters, readAt: isoTime(readAtMs) }, secrets);
  const text = [
    head,
    ...lines,
    ...(missing > 0 ? [jsonLine({ missing: `${missing} values that had no room here` }, secrets)] : []),
  ];
  return { facts, text: delimited(text, nonce) };
}

/** Why a read tool said nothing, as the text that a model is given: its words may be the subject's, so they're data too. */
export function readFailureText(
  why: { code: string; message: string },
  nonce: string,
  secrets: readonly string[],
): string {
  return delimited([jsonLine(why, secrets)], nonce);
}

function delimited(lines: readonly string[], nonce: string): string {
  return [`<result ${nonce}>`, ...lines, `</result ${nonce}>`].join("\n");
}
