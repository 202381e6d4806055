import { Action } from "@operator/contracts/action";
import { expect, test } from "vitest";
import { foldAll, saying, violation } from "./events.fixture.ts";

const step = (state: string, seconds: number, code?: string) => ({
  state,
  atMs: seconds * 1_000,
  by: "actuator-1",
  text: `it is ${state}`,
  ...(code === undefined ? {} : { code }),
});

function action(...steps: ReturnType<typeof step>[]): Action {
  return Action.parse({
    id: "ratelimiter.node_down.node-a.1.1.1",
    subject: "ratelimiter",
    ticket: "ratelimiter.node_down.node-a.1",
    attempt: 1,
    proposal: { action: "restart_node", target: "node-a", parameters: {}, why: "it crashed" },
    risk: "low",
    engine: { kind: "playbook", name: "ratelimiter" },
    evidence: "0".repeat(64),
    state: steps.at(-1)?.state,
    revision: steps.length,
    proposedAtMs: 1_000,
    expiresAtMs: 900_000,
    escalated: steps.some(({ state }) => state === "failed"),
    steps,
    sent: 0,
  });
}

const said = (...steps: ReturnType<typeof step>[]) => ({ kind: "action", action: action(...steps) }) as const;
const firing = saying(violation(1));
const proposed = said(step("proposed", 2));
const refused = said(step("proposed", 2), step("refused", 3, "NODE_ANSWERS"));
const failed = said(step("proposed", 2), step("failed", 3, "EXECUTE_FAILED"));

const linesOf = (events: Parameters<typeof foldAll>[0]) =>
  foldAll(events).head?.history.filter(({ kind }) => kind === "action" || kind === "escalated");

test("each step of an action is an entry, in whatever order and however often it's said", () => {
  const told = linesOf([firing, proposed, refused]);
  expect(told?.map(({ text }) => text)).toEqual([
    "restart_node of node-a proposed: it is proposed",
    "restart_node of node-a refused: NODE_ANSWERS: it is refused",
  ]);
  expect(linesOf([firing, refused, proposed, refused])).toEqual(told);
});

test("an action that was tried and didn't help escalates its ticket, once, and closes nothing", () => {
  const { head } = foldAll([firing, failed, failed]);
  expect(head).toMatchObject({ escalated: true, status: "open" });
  expect(head?.history.filter(({ kind }) => kind === "escalated")).toHaveLength(1);
  expect(foldAll([firing, refused]).head?.escalated).toBe(false);
  const verified = said(step("proposed", 2), step("verified", 3));
  expect(foldAll([firing, verified]).head?.status, "only the checker's word closes").toBe("open");
});

test("an action of another generation says nothing of this one", () => {
  const cleared = saying(violation(9, { state: "cleared" }));
  const again = saying(violation(20, { sinceMs: 20_000 }));
  expect(linesOf([firing, cleared, again, proposed])).toEqual([]);
});
