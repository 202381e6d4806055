import { breachMs, caseOf as breachOf, jobOf, kept, snapshotAt, violationOf } from "@operator/evidence/case.fixture";
import { answerOf } from "@operator/evidence/answer";
import { Citations } from "@operator/evidence/citations";
import { Ticket } from "@operator/contracts/ticket";
import type { CaseFile, Playbook } from "@operator/subject/case-file";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { caseOf, type Gathered } from "@operator/ground/case";
import type { Room } from "@operator/ground/room";
import { byPlaybook } from "./diagnose.ts";
import { senseOf } from "./sense.ts";

const good = snapshotAt(breachMs - 1_000, { probe: { "node-a": { state: "up" } } });
const bad = snapshotAt(breachMs, { probe: { "node-a": { state: "refused" } } });
const pointers = ["/parts/probe/node-a/state"];
const breach = { invariant: "node_down", target: "node-a", pointers, bad, good };
const { ticket } = breachOf(breach);
const gathered: Gathered = {
  job: jobOf(ticket),
  ticket,
  firstBad: kept(bad),
  lastGood: kept(good),
  timeline: [],
  similar: [],
  actions: [],
  missing: [],
};
const at = { nowMs: breachMs + 3_000, secrets: ["our-own-password"] };
const diagnose = (about: Gathered, by: Room, when: typeof at) =>
  byPlaybook(caseOf(about, by, when), by, "no model is configured");

const crashed: Playbook = (file) => {
  const citations = new Citations(file);
  const evidence = citations.cite("it refuses", "first_bad", "parts", "probe", "node-a", "state");
  const { target } = file.violation;
  return answerOf(file, citations, {
    verdict: "fault",
    headline: "node-a crashed",
    rootCauses: [{ category: "crashed", target, mechanism: "It ended.", evidence }],
    confidence: 0.9,
    alternatives: [],
    options: [],
    verify: [],
    missing: [],
  });
};
const room = (
  playbook: Playbook,
  targets = () => [{ name: "node-a", kind: "node", dependsOn: [] as string[] }],
): Room => ({
  playbook,
  playbookName: "test",
  topology: { targets, explanations: [] },
  state: { probe: z.object({ state: z.string() }) },
  actions: [],
  readTools: () => Promise.resolve([]),
});

describe("the outcome of a job", () => {
  test("a grounded answer is done, says who answered, and keeps the facts that it cites", () => {
    const result = diagnose(gathered, room(crashed), at);
    if (result.kind !== "done") throw new Error(`expected done, not ${JSON.stringify(result)}`);
    const { engine, facts } = result.diagnosis;
    expect(engine).toEqual({ kind: "playbook", name: "test", why: "no model is configured" });
    expect(facts).toEqual([
      { id: "E1", address: kept(bad).address, pointer: pointers[0], value: "refused", atMs: breachMs },
    ]);
  });

  test("the same job comes to the same", () => {
    expect(diagnose(gathered, room(crashed), at)).toEqual(diagnose(gathered, room(crashed), at));
  });

  const forged: [sentence: string, code: string, forge: (file: CaseFile) => unknown][] = [
    ["a quote that the evidence doesn't bear out", "QUOTE_DIFFERS", (file) => change(file, (answer) => ({ evidence: answer.evidence.map((each) => ({ ...each, quote: "up" })) }))],
    ["evidence that doesn't exist", "FACT_MISSING", (file) => change(file, () => ({ evidence: [{ id: "E150", quote: "x", shows: "" }] }))],
    ["a target that doesn't exist", "TARGET_UNKNOWN", (file) => change(file, (answer) => ({ rootCauses: answer.rootCauses.map((each) => ({ ...each, target: "node-z" })) }))],
    ["an action though there are none", "ACTION_UNKNOWN", (file) => change(file, () => ({ proposals: [{ action: "restart", target: "node-a", parameters: {}, why: "" }] }))],
  ]; // prettier-ignore
  test.each(forged)("an answer with %s is ungrounded", (_, code, forge) => {
    // A playbook is typed code; here it lies as a model might.
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion
    const result = diagnose(gathered, room(forge as Playbook), at);
    expect(result.kind).toBe("ungrounded");
    expect(result.kind === "ungrounded" && result.rejections.map((each) => each.code)).toContain(code);
  });

  test("a playbook that throws, or answers what is no answer, is a failure that says so", () => {
    const thrown = diagnose(gathered, room(() => { throw new Error("boom\u001b[31m"); }), at); // prettier-ignore
    expect(thrown).toEqual({ kind: "failed", code: "PLAYBOOK_FAILED", message: "Error: boom" });
    const odd = diagnose(
      gathered,
      room((file) => ({ ...crashed(file), confidence: 7 })),
      at,
    );
    expect(odd).toMatchObject({ kind: "failed", code: "ANSWER_MALFORMED" });
  });

  test("a topology that fails costs the neighbours, not the diagnosis", () => {
    const failing = room(crashed, () => { throw new Error("odd state"); }); // prettier-ignore
    const result = diagnose(gathered, failing, at);
    expect(result.kind === "done" && result.diagnosis.answer.missing.join()).toContain("odd state");
  });

  test("an invariant of the framework is the framework's to explain, whatever the room says", () => {
    const violation = violationOf({
      invariant: "checker_silent",
      target: "checker",
      detail: { kind: "silent_service", service: "checker", silentMs: 5_000 },
    });
    const silent = Ticket.parse({
      ...ticket,
      violation,
      invariant: "checker_silent",
      id: "ratelimiter.checker_silent.checker.1",
    });
    const result = diagnose(
      { job: jobOf(silent), ticket: silent, timeline: [], similar: [], actions: [], missing: [] },
      room(crashed),
      at,
    );
    expect(result.kind === "done" && result.diagnosis.engine.name).toBe("framework");
    expect(result.kind === "done" && result.diagnosis.answer.verdict).toBe("unknown");
  });

  test("what couldn't be had is among what is missing", () => {
    const result = diagnose({ ...gathered, missing: ["the moon"] }, room(crashed), at);
    expect(result.kind === "done" && result.diagnosis.answer.missing).toContain("the moon");
  });

  test("a secret of the diagnoser's own is in no text that it was handed", () => {
    const violation = { ...ticket.violation, summary: "refused our-own-password" };
    let seen = "";
    const reading = room((file) => ((seen = JSON.stringify(file)), crashed(file)));
    const told = kept(snapshotAt(breachMs, { probe: { "node-a": { state: "refused", said: "our-own-password?" } } }));
    diagnose({ ...gathered, firstBad: told, ticket: { ...ticket, violation } }, reading, at);
    expect(seen).toContain("refused [secret]");
    expect(seen).not.toContain("our-own-password");
  });
});

describe("what a job is worth", () => {
  const attempt = (n: number, status: string) => ({ ...ticket.attempts[0], attempt: n, status });
  const rows: [sentence: string, job: number, change: object, expected: unknown][] = [
    ["queued: go", 1, {}, "go"],
    ["running, as after a kill: go", 1, { attempts: [attempt(1, "running")] }, "go"],
    ["waiting, as after a kill: go", 1, { attempts: [attempt(1, "waiting")] }, "go"],
    ["done already: nothing to say", 1, { attempts: [attempt(1, "done")] }, "ended"],
    ["ended, and the ticket closed since: nothing to say", 1, { attempts: [attempt(1, "failed")], status: "closed" }, "ended"],
    ["the ticket is closed: moot", 1, { status: "closed" }, { moot: "the ticket is closed" }],
    ["closed before the attempt was kept: moot", 1, { status: "closed", attempts: [] }, { moot: "the ticket is closed" }],
    ["a later attempt is queued: moot", 1, { attempts: [attempt(2, "queued")] }, { moot: "attempt 2 has been queued since" }],
    ["the attempt isn't in the ticket yet: early", 2, {}, "early"],
    ["no attempt is in the ticket yet: early", 1, { attempts: [] }, "early"],
  ]; // prettier-ignore
  test.each(rows)("%s", (_, n, changed, expected) => {
    expect(senseOf(jobOf(ticket, n), Ticket.parse({ ...ticket, ...changed }))).toEqual(expected);
  });
});

function change(file: CaseFile, how: (answer: ReturnType<Playbook>) => object): unknown {
  const answer = crashed(file);
  return { ...answer, ...how(answer) };
}
