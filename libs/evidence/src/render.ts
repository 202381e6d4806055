import type { Answer, Cost, Diagnosis, Rejection } from "@operator/contracts/diagnosis";
import type { Fact } from "@operator/contracts/evidence";
import { ReadToolName } from "@operator/contracts/read-tool";
import { code, prose } from "./markdown.ts";

/**
 * A diagnosis as a Markdown page that a person can follow and check. Whatever comes from the subject or from a model
 * is escaped: the page holds no link, picture or control character of theirs.
 */
export function renderDiagnosis(diagnosis: Diagnosis, rejections: readonly Rejection[] = []): string {
  const { answer } = diagnosis;
  const sections = [
    `# ${prose(answer.headline)}`,
    `${verdictOf(answer)} ${engineOf(diagnosis)}`,
    rejections.length > 0 &&
      section(
        "This could not be verified, so nothing may be done because of it",
        rejections.map(({ code: reason, path, message }) => `- ${code(reason)} ${code(path)}: ${prose(message)}`),
      ),
    section(
      "Cause",
      answer.rootCauses.map(
        ({ category, target, mechanism, evidence }) =>
          `- **${category}: ${prose(target)}.** ${prose(mechanism)}${cited(evidence)}`,
      ),
    ),
    section(
      "What happened",
      [...answer.timeline]
        .sort((a, b) => a.atMs - b.atMs)
        .map(({ atMs, what, evidence }) => `- ${timeOf(atMs)} ${prose(what)}${cited(evidence)}`),
    ),
    section("Evidence", evidenceOf(diagnosis)),
    section(
      "What else it could be, and why not",
      answer.alternatives.map(
        ({ cause, whyRejected, for: speaksFor, against }) =>
          `- **${cause.category}: ${prose(cause.target)}.** ${prose(whyRejected)}` +
          `${speaking("For it", speaksFor)}${speaking("Against it", against)}`,
      ),
    ),
    section("What can be done", answer.options.flatMap(optionOf)),
    section(
      "Proposed actions",
      answer.proposals.map(
        ({ action, target, parameters, why }) =>
          `- ${code(action)} at ${prose(target)} with ${code(JSON.stringify(parameters))}: ${prose(why)}`,
      ),
    ),
    section(
      "How to verify",
      answer.verify.map((each) => `- ${prose(each)}`),
    ),
    section(
      "What is missing",
      answer.missing.map((each) => `- ${prose(each)}`),
    ),
  ];
  return `${sections.filter((each) => each !== false && each !== "").join("\n\n")}\n`;
}

function section(title: string, lines: string[]): string {
  return lines.length === 0 ? "" : `## ${title}\n\n${lines.join("\n")}`;
}

function verdictOf({ verdict, confidence }: Answer): string {
  const said = { fault: "A fault", no_fault: "No fault", unknown: "Not known" }[verdict];
  return `**${said}, confidence ${Math.round(confidence * 100)} %.**`;
}

function engineOf({ engine: { kind, name, why }, cost }: Diagnosis): string {
  const reason = why === undefined ? "" : ` (${prose(why)})`;
  const spent = cost ? ` ${costOf(cost)}` : "";
  if (kind === "claude") return `Answered by the model ${code(name)}${reason}.${spent}`;
  const model = cost ? "a model was asked, and its answer couldn't be used" : "no model was asked";
  return `Answered by the playbook ${code(name)}; ${model}${reason}.${spent}`;
}

function costOf({ usd, inputTokens, outputTokens, calls, upperBound }: Cost): string {
  const most = upperBound ? "at most " : "";
  const count = calls === 1 ? "1 call" : `${calls} calls`;
  return `It cost ${most}${usd.toFixed(4)} USD: ${count}, ${inputTokens} tokens in, ${outputTokens} out.`;
}

function cited(ids: readonly string[]): string {
  return ids.length === 0 ? "" : ` (${inOrder(ids)})`;
}

function speaking(how: string, ids: readonly string[]): string {
  return ids.length === 0 ? "" : ` ${how}: ${inOrder(ids)}.`;
}

function inOrder(ids: readonly string[]): string {
  return [...new Set(ids)].sort((a, b) => Number(a.slice(1)) - Number(b.slice(1))).join(", ");
}

function timeOf(atMs: number): string {
  const date = new Date(atMs);
  return Number.isNaN(date.getTime()) ? String(atMs) : date.toISOString().replace("T", " ");
}

function evidenceOf({ answer, facts }: Diagnosis): string[] {
  if (answer.evidence.length === 0) return [];
  const rows = answer.evidence.map(({ id, quote, shows }) => {
    const fact = facts.find((each) => each.id === id);
    const where = fact ? `${code(placeOf(fact))} | ${timeOf(fact.atMs)}` : "no such fact |";
    const meant = fact && isTime(fact) ? ` ${timeOf(Number(fact.value))}` : "";
    return `| ${id} | ${code(quote)}${meant} | ${where} | ${prose(shows)} |`;
  });
  const documents = new Map<string, string[]>();
  for (const { id } of answer.evidence) {
    const fact = facts.find((each) => each.id === id);
    if (fact) documents.set(fact.address, [...(documents.get(fact.address) ?? []), id]);
  }
  return [
    "| | value | where | when | what it shows |",
    "|---|---|---|---|---|",
    ...rows,
    "",
    "Each value stands in a snapshot that is kept; look it up by fetching the snapshot and following the pointer:",
    ...[...documents].map(([address, ids]) => `- ${ids.join(", ")}: ${lookUp(address)}`),
  ];
}

/** Where a fact stands in its document; of what a read tool said, with its name, as the pointers of all of them are alike. */
function placeOf({ address, pointer }: Fact): string {
  const tool = address.split(".").at(-2) ?? "";
  return ReadToolName.safeParse(tool).success ? `${tool} ${pointer}` : pointer;
}

/** A time in milliseconds reads better as a date; its pointer says that it is one. */
function isTime({ pointer, value }: Fact): boolean {
  return typeof value === "number" && value > 1e12 && pointer.endsWith("Ms");
}

/** The command for an address. People paste commands into shells, so a text that is more than an address gets none. */
function lookUp(address: string): string {
  if (!/^[\w.=-]+$/.test(address)) return `${code(address)} is no address`;
  return code(`nats stream get EVIDENCE --last-for ${address}`);
}

function optionOf({ title, steps, risk, riskWhy, recommended, why }: Answer["options"][number], at: number): string[] {
  return [
    `${at + 1}. **${prose(title)}**${recommended ? " (recommended)" : ""}: ${prose(why)}`,
    ...steps.map((step) => `   - ${prose(step)}`),
    `   - Risk: ${risk}. ${prose(riskWhy)}`,
  ];
}
