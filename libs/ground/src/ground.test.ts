import { Bus } from "@operator/bus/bus";
import { addressOf } from "@operator/contracts/channel";
import { Diagnosis } from "@operator/contracts/diagnosis";
import { flow } from "@operator/contracts/flow";
import { Logs } from "@operator/contracts/logs";
import { InstanceName, TargetName } from "@operator/contracts/names";
import { type NatsServer, startProvisionedNats } from "@operator/stack/nats-server";
import { afterAll, beforeAll, expect, test } from "vitest";
import { keptLogs, snapshotAt, ticketOf, violationOf } from "@operator/evidence/case.fixture";
import { groundOf } from "./ground.ts";

let nats: NatsServer;
const buses: Bus[] = [];
beforeAll(async () => {
  nats = await startProvisionedNats();
});
afterAll(async () => {
  for (const bus of buses) await bus.close();
  await nats.stop();
});

async function as(user: "ticketer" | "checker" | "diagnoser" | "provision"): Promise<Bus> {
  const instance = InstanceName.parse(`test-${user}`);
  const bus = await Bus.connect({ servers: nats.url, user, password: nats.passwords[user], instance });
  buses.push(bus);
  return bus;
}

const evidenceAt = (atMs: number) =>
  snapshotAt(atMs, { probe: { "node-a": { state: "refused", sinceMs: atMs, address: "a:1" } } });

const addressAt = (atMs: number) => addressOf(flow.evidence, evidenceAt(atMs));

/** An answer whose facts are of these times, each read from its own document. */
function citing(...timesMs: number[]): Diagnosis {
  const pointer = "/parts/probe/node-a/state";
  const facts = timesMs.map((atMs, at) => ({
    id: `E${at + 1}`,
    address: addressAt(atMs),
    pointer,
    value: "refused",
    atMs,
  }));
  const answer = {
    verdict: "unknown",
    headline: "node-a doesn't answer",
    rootCauses: [],
    confidence: 0.2,
    timeline: [],
    evidence: [],
    alternatives: [],
    options: [],
    proposals: [],
    verify: [],
    missing: [],
  };
  return Diagnosis.parse({ engine: { kind: "playbook", name: "test" }, answer, facts });
}

async function rejectionsOf(bus: Bus, said: Diagnosis): Promise<string[]> {
  const ticket = ticketOf(violationOf({ invariant: "node_down", target: "node-a" }));
  return (await groundOf(bus, said, ticket))(ticket).map(({ code, path }) => `${code} ${path}`);
}

/** Counts what is read, and does something once, right after the nth read. */
function interrupted(bus: Bus, nth: number, act: () => Promise<unknown>): { reads: () => number } {
  let reads = 0;
  const last = bus.last.bind(bus);
  bus.last = async (channel, address) => {
    const found = await last(channel, address);
    reads += 1;
    if (reads === nth) await act();
    return found;
  };
  return { reads: () => reads };
}

test.each([1, 2])("evidence that is there only after %d looks is found", async (looks) => {
  const [bus, checker] = [await as("ticketer"), await as("checker")];
  const atMs = 1_000 + looks;
  interrupted(bus, looks, () => checker.publish(flow.evidence, evidenceAt(atMs)));
  expect(await rejectionsOf(bus, citing(atMs))).toEqual([]);
});

test("evidence that never comes is looked for three times, and refused", async () => {
  const bus = await as("ticketer");
  const { reads } = interrupted(bus, 0, async () => {});
  expect(await rejectionsOf(bus, citing(2_000))).toEqual(["FACT_NOT_STORED facts.0.address"]);
  expect(reads()).toBe(3);
});

test("what lies there but isn't evidence is the same as nothing", async () => {
  const [bus, admin] = [await as("ticketer"), await as("provision")];
  await admin.link.ask(addressAt(3_000), JSON.stringify(evidenceAt(3_000)), { timeoutMs: 2_000 });
  expect(await rejectionsOf(bus, citing(3_000))).toEqual(["FACT_NOT_STORED facts.0.address"]);
});

test("an answer isn't refused because the bus can't be asked", async () => {
  const bus = await as("ticketer");
  await bus.close();
  await expect(rejectionsOf(bus, citing(1_001))).rejects.toMatchObject({ code: "BUS_CLOSED" });
});

test("no more documents are read than an answer may rest on, and none that isn't of its subject's evidence", async () => {
  const [bus, checker] = [await as("ticketer"), await as("checker")];
  const timesMs = Array.from({ length: 22 }, (_, at) => 4_000 + at);
  for (const atMs of timesMs) await checker.publish(flow.evidence, evidenceAt(atMs));
  const many = interrupted(bus, 0, async () => {});
  expect(await rejectionsOf(bus, citing(...timesMs))).toEqual([
    "FACT_NOT_STORED facts.20.address",
    "FACT_NOT_STORED facts.21.address",
  ]);
  expect(many.reads()).toBe(20);

  const said = citing(4_000);
  const foreign = [
    addressAt(4_000).replace("ratelimiter", "ratelimited"),
    `${addressAt(4_000)}.more`,
    "operator.verdicts.s.current",
  ];
  for (const address of foreign) {
    const facts = said.facts.map((fact) => ({ ...fact, address }));
    expect(await rejectionsOf(bus, { ...said, facts })).toEqual(["FACT_ADDRESS facts.0.address"]);
  }
  expect(many.reads(), "none of these was read").toBe(20);
});

test("a line of a log is looked up where its diagnoser kept it, and what another ticket was told isn't read", async () => {
  const [bus, diagnoser] = [await as("ticketer"), await as("diagnoser")];
  const ticket = ticketOf(violationOf({ invariant: "node_down", target: "node-a" }));
  const logs = Logs.parse({ "node-a": { kind: "read", lines: [{ atMs: 5_000, text: "stopping" }] } });
  const { address, document } = keptLogs(ticket, logs);
  await diagnoser.publish(flow.toolEvidence, document);
  const said = citing(5_000);
  const line = { pointer: "/logs/node-a/lines/0/text", value: "stopping" };
  const facts = said.facts.map((fact) => ({ ...fact, ...line, address }));
  expect(await rejectionsOf(bus, { ...said, facts })).toEqual([]);
  const forged = facts.map((fact) => ({ ...fact, value: "killed by an operator" }));
  expect(await rejectionsOf(bus, { ...said, facts: forged })).toEqual(["FACT_DIFFERS facts.0.value"]);

  const { reads } = interrupted(bus, 0, async () => {});
  const foreign = facts.map((fact) => ({ ...fact, address: address.replace(".node-a.1.", ".node-b.1.") }));
  expect(await rejectionsOf(bus, { ...said, facts: foreign })).toEqual(["FACT_ADDRESS facts.0.address"]);
  expect(reads()).toBe(0);
});

test("ticketer and actuator take a tool that every subject has as what it is: in the catalogue, with its parameters", async () => {
  const bus = await as("ticketer");
  const said = citing();
  const proposing = (action: string, parameters: Record<string, number>) => {
    const proposals = [{ action, target: TargetName.parse("node-a"), parameters, why: "it starts by itself" }];
    return rejectionsOf(bus, { ...said, answer: { ...said.answer, proposals } });
  };
  expect(await proposing("wait", { seconds: 5 })).toEqual([]);
  expect(await proposing("wait", { seconds: 3_600 })).toEqual(["PARAMETERS_INVALID answer.proposals.0.parameters"]);
  expect(await proposing("format_disk", {})).toEqual(["ACTION_UNKNOWN answer.proposals.0.action"]);
});
