import type { DiagnosisEvent } from "@operator/contracts/diagnosis";
import { flow } from "@operator/contracts/flow";
import type { Ticket } from "@operator/contracts/ticket";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { z } from "zod";
import { Acting, type Person } from "./acting.fixture.ts";
import { deskOf } from "./desk.fixture.ts";
import { proposalsOf } from "./propose.ts";
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

test("a diagnosis is refused of another subject's ticket", async () => {
  await acting.diagnose(ticket, [restart(node)], { change: (event) => ({ ...event, subject: "elsewhere" }) });
  expect((await refusedDiagnosis()).code).toBe("TICKET_MISMATCH");
  expect(await acting.actions.get(`${ticket.id}.1.1`)).toBeUndefined();
});

test("what is no diagnosis at all is a dead letter, and the next one is taken", async () => {
  const whole = {
    ...flow.diagnosis,
    schema: z.unknown(),
    parameters: () => addressOf(ticket),
    id: () => `bad-${node}`,
  };
  await acting.diagnoser.publish(whole, { phase: "finished", ticket: ticket.id, result: "restart everything" });
  const letter = await acting.until("a dead letter", () =>
    acting.cli.last(flow.dead, "operator.dead.actuator.diagnosis"),
  );
  expect(letter.message).toMatchObject({ code: "BAD_SCHEMA" });
  expect((await acting.proposed(ticket, restart(node), 2)).state).toBe("proposed");
});

function addressOf({ subject, invariant, target }: Ticket) {
  return { subject, invariant, target, generation: "1", attempt: "1", phase: "finished" };
}

test("without its room's catalogue nothing is proposed, and that is said", async () => {
  const event = await new Promise<DiagnosisEvent>((resolve) => {
    void acting.diagnose(ticket, [restart(node)], { change: (said) => (resolve(said), said) });
  });
  if (event.phase !== "finished") throw new Error("not finished");
  const desk = await deskOf(acting, () => Promise.resolve());
  const { bus, instance } = desk.context;
  const given = { ...desk, bus, instance, storedAtMs: Date.now() };
  expect((await proposalsOf(event, given)).actions).toHaveLength(1);
  const gone = () => Promise.reject(new Error("no room"));
  const { actions, notes } = await proposalsOf(event, { ...given, room: gone });
  expect(actions).toEqual([]);
  expect(notes).toMatchObject([{ kind: "proposal_refused", code: "CATALOGUE_MISSING", text: "Error: no room" }]);
  const empty = async () => ({ ...(await desk.room(event.subject)), actions: new Map() });
  expect((await proposalsOf(event, { ...given, room: empty })).notes).toMatchObject([{ code: "CATALOGUE_MISSING" }]);
});
