import { TargetName } from "@operator/contracts/names";
import { expect, test } from "vitest";
import { diagnosis, ticket } from "../samples.fixture.ts";
import { Diagnosis } from "@operator/contracts/diagnosis";
import { outcomeOf, type SeenFault, type SeenTicket } from "./outcome.ts";

const fault: SeenFault = {
  fault: "kill_node",
  target: "node-a",
  cause: "crashed",
  leaves: "high_latency",
  faultMs: 0,
  refused: undefined,
};
const root: SeenTicket = {
  ticket: ticket({ status: "closed", closedBy: "observation" }),
  openMs: 16,
  diagnosedMs: 402,
  diagnosis: Diagnosis.parse(diagnosis),
  action: undefined,
};
const left: SeenTicket = {
  ...root,
  ticket: ticket({
    id: "ratelimiter.high_latency.node-a.1",
    invariant: "high_latency",
    status: "closed",
    closedBy: "observation",
  }),
};

function wrongIn(tickets: SeenTicket[], recoveredBy: "action" | "revert", faults = [fault]): string[] {
  const given = { scenario: "kill_node", expects: "roots" as const, faults, tickets, recoveredBy, clearMs: 1 };
  return outcomeOf({ ...given, cleared: true, unwell: undefined }).wrong;
}

test("what a remedy leaves has a ticket of its own, and an action has to put it right", () => {
  expect(wrongIn([root, left], "action")).toEqual([
    "what the remedy left, high_latency of node-a, was not put right by an action",
  ]);
  expect(wrongIn([root], "action")).toContain("1 tickets instead of 2: ratelimiter.node_down.node-a.1");
});

test("where the fault's end put it right, or nothing is left, that ticket is one too many", () => {
  const tooMany = "2 tickets instead of 1: ratelimiter.node_down.node-a.1, ratelimiter.high_latency.node-a.1";
  expect(wrongIn([root, left], "revert")).toEqual([tooMany]);
  expect(wrongIn([root, left], "revert", [{ ...fault, leaves: undefined }])).toEqual([tooMany]);
});

test("a ticket about another target is complained of", () => {
  const other = { ...left, ticket: ticket({ ...left.ticket, target: TargetName.parse("node-b") }) };
  expect(wrongIn([root, other], "revert")).toContain("ticket ratelimiter.high_latency.node-a.1 is not about node-a");
});
