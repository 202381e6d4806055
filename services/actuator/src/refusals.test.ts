import type { DiagnosisEvent } from "@operator/contracts/diagnosis";
import type { Ticket } from "@operator/contracts/ticket";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { Acting, type Person } from "./acting.fixture.ts";
import { Staged } from "./staged.fixture.ts";

let acting: Acting<Staged>;
let ada: Person;
let node = "node-0";
let ticket: Ticket;
beforeAll(async () => {
  acting = await Acting.at(await Staged.start());
  ada = acting.person("ada");
  await acting.actuator();
  await acting.execute(ada);
}, 60_000);
afterAll(async () => await acting[Symbol.asyncDispose]());

let n = 0;
beforeEach(async () => {
  n += 1;
  node = `node-${n}`;
  ticket = await acting.place.broken(node);
});

const restart = (target: string) => ({ action: "restart_node", target, parameters: {} });

type Finished = Extract<DiagnosisEvent, { phase: "finished" }>;
type Done = Extract<Finished["result"], { kind: "done" }>["diagnosis"];

/** A finished diagnosis with something of it forged. */
function forged(forge: (diagnosis: Done) => void) {
  return (event: DiagnosisEvent) => {
    const copy = structuredClone(event);
    if (copy.phase === "finished" && copy.result.kind === "done") forge(copy.result.diagnosis);
    return copy;
  };
}

async function refusedDiagnosis(id = `${ticket.id}.1`) {
  return await acting.until(`a note about ${id}`, async () =>
    (await acting.notes("proposal_refused")).find((note) => note.id.startsWith(id)),
  );
}

test.for<[string, string, string, (diagnosis: Done) => void]>([
  [
    "cites a value that the evidence doesn't have",
    "DIAGNOSIS_REJECTED",
    "FACT_DIFFERS",
    ({ facts: [fact] }) => {
      if (fact) fact.value = "up";
    },
  ],
  [
    "cites evidence that isn't there",
    "DIAGNOSIS_REJECTED",
    "EVIDENCE_MISSING",
    ({ facts: [fact] }) => {
      if (fact) fact.address = "operator.evidence.ratelimiter.snapshot.17";
    },
  ],
  [
    "cites evidence of another subject",
    "DIAGNOSIS_REJECTED",
    "",
    ({ facts: [fact] }) => {
      if (fact) fact.address = fact.address.replace("ratelimiter", "tikv");
    },
  ],
  [
    "proposes what the catalogue doesn't have",
    "DIAGNOSIS_REJECTED",
    "ACTION_UNKNOWN",
    ({
      answer: {
        proposals: [proposal],
      },
    }) => {
      if (proposal) proposal.action = "delete_everything";
    },
  ],
  [
    "proposes it for a target that the topology doesn't name",
    "DIAGNOSIS_REJECTED",
    "TARGET_UNKNOWN",
    ({
      answer: {
        proposals: [proposal],
      },
    }) => {
      if (proposal) Object.assign(proposal, { target: "node-x" });
    },
  ],
  [
    "proposes parameters that the action hasn't",
    "DIAGNOSIS_REJECTED",
    "PARAMETERS_INVALID",
    ({
      answer: {
        proposals: [proposal],
      },
    }) => {
      if (proposal) proposal.parameters = { force: true };
    },
  ],
])("a diagnosis is refused that %s", async ([, code, rejection, forge]) => {
  await acting.diagnose(ticket, [restart(node)], { change: forged(forge) });
  const note = await refusedDiagnosis();
  expect(note.code).toBe(code);
  expect(JSON.stringify(note.rejections)).toContain(rejection);
  expect(await acting.actions.get(`${ticket.id}.1.1`)).toBeUndefined();
  expect(acting.place.startsOf(node)).toBe(0);
});

test("a diagnosis is refused of a ticket that there isn't", async () => {
  const other = `ratelimiter.node_down.${node}.9`;
  await acting.diagnose(ticket, [restart(node)], { change: (event) => ({ ...event, ticket: other }) });
  expect((await refusedDiagnosis(other)).code).toBe("TICKET_UNKNOWN");
});
