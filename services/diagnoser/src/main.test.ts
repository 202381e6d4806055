import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { replay } from "@operator/bus/dead-letters";
import { addressOf } from "@operator/contracts/channel";
import { DeadLetter } from "@operator/contracts/dead-letter";
import type { DiagnosisEvent } from "@operator/contracts/diagnosis";
import { flow } from "@operator/contracts/flow";
import { Ticket } from "@operator/contracts/ticket";
import { violationKeyOf } from "@operator/contracts/violation";
import { jobOf } from "@operator/evidence/case.fixture";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { z } from "zod";
import { caseAt, Office } from "./diagnoser.fixture.ts";

const isFinished = (events: DiagnosisEvent[]) => events.some(({ phase }) => phase === "finished");
const finishedOf = (events: DiagnosisEvent[]) =>
  events.flatMap((event) => (event.phase === "finished" ? [event.result] : []));
const dead = (code: string) => (letters: DeadLetter[]) => letters.some((letter) => letter.code === code);
const diagnoserDead = { service: "diagnoser", channel: "job" };

describe("one diagnoser", () => {
  let office: Office;
  beforeAll(async () => {
    office = await Office.open();
    await office.diagnoser("diagnoser-one");
  });
  afterAll(async () => await office[Symbol.asyncDispose]());

  test("a job becomes one diagnosis: started, then finished with checked evidence", async () => {
    const ticket = await office.openTicket("node-a");
    const queuedMs = Date.now();
    await office.queue(ticket);
    const events = await office.said(ticket, isFinished);
    console.log(`job → diagnosis: ${Date.now() - queuedMs} ms`);
    expect(events.map(({ phase }) => phase)).toEqual(["started", "finished"]);
    const [result] = finishedOf(events);
    if (result?.kind !== "done") throw new Error(`expected done, not ${JSON.stringify(result)}`);
    expect(result.diagnosis.engine).toEqual({ kind: "playbook", name: "ratelimiter", why: "no model is configured" });
    expect(result.diagnosis.answer.rootCauses).toMatchObject([{ category: "crashed", target: "node-a" }]);
    expect(result.diagnosis.answer.evidence.length).toBeGreaterThan(1);
    await office.jobsDone();
  });

  test("evidence that comes late is waited for", async () => {
    const { good, bad, ticket } = caseAt(Date.now(), "node-late");
    await office.fileTicket(ticket);
    await office.queue(ticket);
    await office.said(ticket, (events) => events.some(({ phase }) => phase === "started"));
    await office.keep(good, bad);
    expect(finishedOf(await office.said(ticket, isFinished))).toMatchObject([{ kind: "done" }]);
  });

  test("evidence that never comes is the outcome", async () => {
    const { ticket } = caseAt(Date.now(), "node-lost");
    await office.fileTicket(ticket);
    await office.queue(ticket);
    const results = finishedOf(await office.said(ticket, isFinished));
    expect(results).toMatchObject([{ kind: "failed", code: "EVIDENCE_MISSING" }]);
  });

  test("a last good snapshot that is gone costs the comparison, not the diagnosis", async () => {
    const { bad, ticket } = caseAt(Date.now(), "node-half");
    await office.keep(bad);
    await office.fileTicket(ticket);
    await office.queue(ticket);
    const [result] = finishedOf(await office.said(ticket, isFinished));
    expect(result?.kind === "done" && result.diagnosis.answer.missing.join()).toContain("the last good snapshot");
  });

  test("a job whose ticket has closed ends cleanly and starts nothing", async () => {
    const ticket = await office.openTicket("node-closed", { status: "closed", closedAtMs: 5, closedBy: "observation" });
    await office.queue(ticket);
    const events = await office.said(ticket, isFinished);
    expect(events).toMatchObject([{ phase: "finished", result: { kind: "failed", code: "MOOT" } }]);
  });

  test("a job of an earlier generation, in the archive by now, is moot", async () => {
    const { ticket } = caseAt(Date.now(), "node-again");
    const tickets = await (await office.bus("ticketer")).bucket("tickets", Ticket);
    await tickets.create(ticket.id, { ...ticket, status: "closed", closedAtMs: 5 });
    const { ticket: head } = caseAt(Date.now(), "node-again");
    const second = Ticket.parse({ ...head, id: head.id.replace(/\.1$/, ".2"), generation: 2 });
    await tickets.create(violationKeyOf(second), second);
    await office.queue(ticket);
    expect(finishedOf(await office.said(ticket, isFinished))).toMatchObject([{ kind: "failed", code: "MOOT" }]);
  });

  test("a job of an attempt that has its outcome is acknowledged without a word", async () => {
    const { ticket } = caseAt(Date.now(), "node-done");
    const attempts = ticket.attempts.map((attempt) => ({ ...attempt, status: "done" as const }));
    await office.fileTicket({ ...ticket, attempts });
    await office.queue(ticket);
    await office.jobsDone();
    const events = await office.read(flow.diagnosis, { target: "node-done" }, () => true);
    expect(events).toEqual([]);
  });

  test("a job that nobody can read is a dead letter, and the next one is done", async () => {
    const { ticket } = caseAt(Date.now(), "node-poison");
    const address = addressOf(flow.job, jobOf(ticket));
    const letter = DeadLetter.parse({
      id: "poison",
      service: "diagnoser",
      channel: "job",
      code: "TEST",
      reason: "",
      address,
      stream: "JOBS",
      sequence: 1,
      deliveries: 1,
      atMs: 1,
      headers: [
        ["ce-type", "operator.job.v1"],
        ["ce-source", "operator/ticketer"],
      ],
      bodyBase64: Buffer.from("{not json").toString("base64"),
      bytes: 9,
      truncated: false,
    });
    await replay(await office.bus("provision"), letter, 1);
    const letters = await office.read(flow.dead, diagnoserDead, (all) => all.some((each) => each.address === address));
    expect(letters.find((each) => each.address === address)?.code).toBe("BAD_JSON");
    const next = await office.openTicket("node-next");
    await office.queue(next);
    expect(finishedOf(await office.said(next, isFinished))).toMatchObject([{ kind: "done" }]);
  });

  test("a job without a ticket is a dead letter", async () => {
    const { ticket } = caseAt(Date.now(), "node-nowhere");
    await office.queue(ticket);
    await office.read(flow.dead, diagnoserDead, dead("JOB_UNKNOWN"));
    await office.jobsDone();
  });

  test("a job that contradicts itself is a dead letter", async () => {
    const { ticket } = caseAt(Date.now(), "node-other");
    const job = { ...jobOf(ticket), subject: Ticket.shape.subject.parse("tikv") };
    await (await office.bus("ticketer")).publish(flow.job, job);
    await office.read(flow.dead, diagnoserDead, dead("JOB_CONTRADICTS"));
  });

  test("a job that fails every time is a dead letter at its fifth delivery, and its ticket hears of it", async () => {
    const { ticket } = caseAt(Date.now(), "node-cursed");
    const unreadable = await (await office.bus("ticketer")).bucket("tickets", z.unknown());
    await unreadable.create(violationKeyOf(ticket), { no: "ticket" });
    await office.queue(ticket);
    const events = await office.said(ticket, isFinished, 45_000);
    expect(finishedOf(events)).toMatchObject([{ kind: "failed", code: "DELIVERIES_EXHAUSTED" }]);
    await office.read(flow.dead, diagnoserDead, dead("EXHAUSTED"));
    await office.jobsDone();
  });
});

test("critical jobs go first", async () => {
  await using office = await Office.open();
  const normal = await office.openTicket("node-normal", { severity: "warning" });
  const critical = await office.openTicket("node-critical");
  await office.queue(normal);
  await office.queue(critical);
  await office.diagnoser("diagnoser-one");
  const bySeverity = await office.read(flow.diagnosis, {}, (events) => finishedOf(events).length === 2);
  expect(bySeverity.map(({ ticket }) => ticket)).toEqual([critical.id, critical.id, normal.id, normal.id]);
});

test("three diagnosers, two slots each: each of 30 jobs has one start and one finish", async () => {
  await using office = await Office.open();
  const slots = { OPERATOR_DIAGNOSER_SLOTS: "2" };
  await Promise.all([1, 2, 3].map((n) => office.diagnoser(`diagnoser-${n}`, slots)));
  const tickets: Ticket[] = [];
  for (let n = 0; n < 30; n += 1) tickets.push(await office.openTicket(`node-${n}`));
  for (const ticket of tickets) await office.queue(ticket);
  await office.jobsDone();
  const events = await office.read(flow.diagnosis, {}, (all) => finishedOf(all).length >= 30);
  expect(events).toHaveLength(60);
  expect(new Set(events.map(({ ticket, phase }) => `${ticket} ${phase}`)).size).toBe(60);
  expect(finishedOf(events).every(({ kind }) => kind === "done")).toBe(true);
});

test("killed before or after any of its writes, a job still becomes one diagnosis", { timeout: 150_000 }, async () => {
  await using office = await Office.open();
  const log = office.file("failpoints");
  const dry = await office.diagnoser("diagnoser-dry", { OPERATOR_FAILPOINT_LOG: log });
  const first = await office.openTicket("node-dry");
  await office.queue(first);
  await office.said(first, isFinished);
  await office.jobsDone();
  await dry.stop();
  const points = readFileSync(log, "utf8").trim().split("\n");
  expect(points).toContain("before publish:diagnosis#2");
  expect(points.length).toBeGreaterThanOrEqual(6);

  const tickets: Ticket[] = [];
  for (const [at, point] of points.entries()) {
    const ticket = await office.openTicket(`node-${at}`);
    const program = await office.diagnoser(`diagnoser-${at}`, { OPERATOR_FAILPOINT: point });
    await office.queue(ticket);
    await Promise.race([program.exited, sleep(20_000, undefined, { ref: false })]);
    expect(program.ending, point).toBe("SIGKILL");
    tickets.push(ticket);
  }
  // A job that a killed one held comes again after 10 s.
  await office.diagnoser("diagnoser-last");
  await office.jobsDone(60_000);
  for (const ticket of tickets) {
    const events = await office.said(ticket, isFinished);
    expect(events.map(({ phase }) => phase)).toEqual(["started", "finished"]);
    expect(finishedOf(events)).toMatchObject([{ kind: "done" }]);
  }
  expect(await office.read(flow.dead, {}, () => true)).toEqual([]);
});
