import { FaultEvent } from "@operator/contracts/chaos";
import { expect, test } from "vitest";
import { faultsOf } from "./read-faults.ts";

const event = (id: string, phase: FaultEvent["phase"]) =>
  FaultEvent.parse({
    id,
    subject: "ratelimiter",
    fault: "kill_node",
    target: "node-a",
    phase,
    atMs: 1,
    by: "ada",
    parameters: {},
    ttlMs: 1_000,
    text: "",
  });
const of = (...phases: FaultEvent["phase"][]) =>
  faultsOf(phases.map((phase) => event("f-1", phase))).map(({ isOpen, isProved, newest }) => [
    newest.phase,
    isOpen,
    isProved,
  ]);

test.for<[string, unknown, unknown]>([
  ["planned or refused, nothing was begun", [...of("planned"), ...of("refused")], []],
  ["begun, it may have an effect", of("injecting"), [["injecting", true, false]]],
  ["proved", of("injecting", "injected", "proved"), [["proved", true, true]]],
  ["failed, it may have half an effect", of("injecting", "failed"), [["failed", true, false]]],
  ["being reverted, it still may", of("injecting", "injected", "reverting"), [["reverting", true, false]]],
  ["reverted, it's over", of("injecting", "injected", "proved", "reverted"), [["reverted", false, true]]],
])("%s", ([, found, expected]) => {
  expect(found).toEqual(expected);
});

test("each fault for itself", () => {
  const faults = faultsOf([event("f-1", "injecting"), event("f-2", "injecting"), event("f-1", "reverted")]);
  expect(faults.map(({ began, isOpen }) => [began.id, isOpen])).toEqual([
    ["f-1", false],
    ["f-2", true],
  ]);
});
