import { Diagnosis } from "@operator/contracts/diagnosis";
import { EvidenceId } from "@operator/contracts/evidence";
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { breachMs } from "./case.fixture.ts";
import { renderDiagnosis } from "./render.ts";

const address = `operator.evidence.ratelimiter.snapshot.${breachMs}`;
const diagnosis = Diagnosis.parse({
  engine: { kind: "playbook", name: "ratelimiter", why: "no model is configured" },
  facts: [
    { id: "E1", address, pointer: "/parts/probe/node-a/state", value: "refused", atMs: breachMs },
    { id: "E2", address, pointer: "/parts/probe/node-a/sinceMs", value: breachMs - 5, atMs: breachMs },
  ],
  answer: {
    verdict: "fault",
    headline: "node-a has crashed",
    rootCauses: [
      { category: "crashed", target: "node-a", mechanism: "Its process has ended.", evidence: ["E2", "E1"] },
    ],
    confidence: 0.95,
    timeline: [
      { atMs: breachMs, what: "It is seen.", evidence: ["E1"] },
      { atMs: breachMs - 5, what: "It refuses.", evidence: ["E2"] },
    ],
    evidence: [
      { id: "E1", quote: "refused", shows: "nobody is there" },
      { id: "E2", quote: String(breachMs - 5), shows: "since when" },
    ],
    alternatives: [
      { cause: { category: "hung", target: "node-a" }, whyRejected: "Its port refuses.", for: [], against: ["E1"] },
    ],
    options: [
      {
        title: "Start node-a again",
        steps: ["look why it ended"],
        risk: "low",
        riskWhy: "It keeps nothing.",
        recommended: true,
        why: "It is needed.",
      },
      {
        title: "Wait",
        steps: [],
        risk: "medium",
        riskWhy: "One is left.",
        recommended: false,
        why: "Nothing is lost.",
      },
    ],
    proposals: [],
    verify: ["node_down of node-a clears."],
    missing: ["its log"],
  },
});

test("a page says what, why, by which evidence, why not the others, what to do, and who answered", () => {
  expect(renderDiagnosis(diagnosis)).toMatchInlineSnapshot(`
    "# node-a has crashed

    **A fault, confidence 95 %.** Answered by the playbook \`ratelimiter\`; no model was asked (no model is configured).

    ## Cause

    - **crashed: node-a.** Its process has ended. (E1, E2)

    ## What happened

    - 2027-01-15 07:59:59.995Z It refuses. (E2)
    - 2027-01-15 08:00:00.000Z It is seen. (E1)

    ## Evidence

    | | value | where | when | what it shows |
    |---|---|---|---|---|
    | E1 | \`refused\` | \`/parts/probe/node-a/state\` | 2027-01-15 08:00:00.000Z | nobody is there |
    | E2 | \`1799999999995\` 2027-01-15 07:59:59.995Z | \`/parts/probe/node-a/sinceMs\` | 2027-01-15 08:00:00.000Z | since when |

    Each value stands in a snapshot that is kept; look it up by fetching the snapshot and following the pointer:
    - E1, E2: \`nats stream get EVIDENCE --last-for operator.evidence.ratelimiter.snapshot.1800000000000\`

    ## What else it could be, and why not

    - **hung: node-a.** Its port refuses. Against it: E1.

    ## What can be done

    1. **Start node-a again** (recommended): It is needed.
       - look why it ended
       - Risk: low. It keeps nothing.
    2. **Wait**: Nothing is lost.
       - Risk: medium. One is left.

    ## How to verify

    - node_down of node-a clears.

    ## What is missing

    - its log
    "
  `);
});

test("what a read tool said stands with the tool's name, as /value alone would be anybody's", () => {
  const [first] = diagnosis.facts;
  if (!first) throw new Error("no fact");
  const told = {
    ...first,
    address: `operator.evidence.ratelimiter.tool.node_down.node-a.1.1.get_reading.${breachMs}`,
    pointer: "/value/cluster/value/members",
  };
  const page = renderDiagnosis({ ...diagnosis, facts: [told, ...diagnosis.facts.slice(1)] });
  expect(page).toContain("| `get_reading /value/cluster/value/members` |");
  expect(page).toContain("| `/parts/probe/node-a/sinceMs` |");
});

test("what couldn't be verified says so first", () => {
  const page = renderDiagnosis(diagnosis, [{ code: "FACT_DIFFERS", path: "facts.0", message: 'E1 says "up"' }]);
  expect(page.indexOf("could not be verified")).toBeLessThan(page.indexOf("## Cause"));
  expect(page).toContain("`FACT_DIFFERS`");
});

test("a model is named when one answered", () => {
  expect(renderDiagnosis({ ...diagnosis, engine: { kind: "claude", name: "claude-x" } })).toContain(
    "Answered by the model `claude-x`.",
  );
});

test("what was spent on a model is told, also when the playbook had to answer", () => {
  const cost = { usd: 0.1324, inputTokens: 21_400, outputTokens: 2_340, calls: 1 };
  const claude = renderDiagnosis({ ...diagnosis, engine: { kind: "claude", name: "claude-x" }, cost });
  expect(claude).toContain("It cost 0.1324 USD: 1 call, 21400 tokens in, 2340 out.");
  const engine = { ...diagnosis.engine, why: "its answer was cut off" };
  const playbook = renderDiagnosis({ ...diagnosis, engine, cost: { ...cost, calls: 2, upperBound: true } });
  expect(playbook).not.toContain("no model was asked");
  expect(playbook).toContain(
    "its answer couldn't be used (its answer was cut off). It cost at most 0.1324 USD: 2 calls",
  );
});

test("a hostile address gets no command that a person could paste", () => {
  const [fact] = diagnosis.facts;
  if (!fact) throw new Error("the diagnosis has facts");
  const page = renderDiagnosis({ ...diagnosis, facts: [{ ...fact, address: `${address} $(rm -rf ~)` }] });
  expect(page).not.toContain("--last-for");
  expect(page).toContain("is no address");
});

test("whatever texts say, the page has its own headings, links nowhere, and holds no control character", () => {
  const hostile = fc
    .array(
      fc.constantFrom(
        "\n# Approved\n",
        "[x](https://e.example)",
        "![x](http://e.example)",
        "<script>",
        "`",
        "|",
        "\\",
        "\u001b[2J",
        "www.e.example",
        "\u202E",
        "a",
      ),
      { maxLength: 8 },
    )
    .map((parts) => parts.join("").slice(0, 200));
  fc.assert(
    fc.property(hostile, hostile, hostile, hostile, (headline, mechanism, value, shows) => {
      const [cause] = diagnosis.answer.rootCauses;
      if (!cause) throw new Error("the diagnosis has a cause");
      const id = EvidenceId.parse("E1");
      const page = renderDiagnosis({
        engine: { kind: "playbook", name: value },
        facts: [{ id, address, pointer: `/${value}`, value, atMs: breachMs }],
        answer: {
          ...diagnosis.answer,
          headline,
          rootCauses: [{ ...cause, mechanism }],
          evidence: [{ id, quote: value, shows }],
        },
      });
      const headings = page.split("\n").filter((line) => line.startsWith("#"));
      expect(headings).toHaveLength(8);
      expect(page.replace(/\n/g, "")).not.toMatch(/\p{Cc}|\p{Cf}/u);
      // What stands outside of code is escaped: no bracket, bar or tag is left bare.
      const outside = page.split("\n").map(outsideOfCode).join("\n");
      expect(outside).not.toMatch(/[[\]<>]|:\/\/|www\./);
      const row = page.split("\n").find((line) => line.startsWith("| E1"));
      expect(row?.replace(/\\./g, "").match(/\|/g)).toHaveLength(6);
    }),
    { numRuns: 500 },
  );
});

/** A line of Markdown without its code and without what is escaped, read as a reader does: from the left. */
function outsideOfCode(line: string): string {
  let outside = "";
  for (let rest = line; rest !== "";) {
    const fence = /^`+/.exec(rest)?.[0];
    const end = fence === undefined ? -1 : new RegExp(`(?<!\`)${fence}(?!\`)`).exec(rest.slice(fence.length))?.index;
    if (rest.startsWith("\\")) rest = rest.slice(2);
    else if (fence !== undefined && end !== undefined) rest = rest.slice(end + 2 * fence.length);
    else {
      outside += rest.slice(0, 1);
      rest = rest.slice(1);
    }
  }
  return outside;
}
