import { claudeRequest } from "@operator/evidence/claude-request";
import { describe, expect, test } from "vitest";
import { call } from "./call.ts";
import { createClient } from "./client.ts";
import { consulting, log, model, nonce, type Script, type Setting, theCase } from "./consult.fixture.ts";
import { MessagesApi, type Turn } from "./messages-api.fixture.ts";
import { soundAnswer } from "./model.fixture.ts";

const sound: Script = (request) => ({ text: soundAnswer(request, "node-a") });
const turns =
  (...list: (Turn | Script)[]): Script =>
  (request, n) => {
    const turn = list[n];
    if (!turn) throw new Error(`request ${n + 1} wasn't expected`);
    return typeof turn === "function" ? turn(request, n) : turn;
  };
const changed =
  (change: Parameters<typeof soundAnswer>[2]): Script =>
  (request) => ({ text: soundAnswer(request, "node-a", change) });
const wrongQuote: Script = (request) => ({
  text: soundAnswer(request, "node-a").replace('"quote":"refused"', '"quote":"<silent>"'),
});

test("one call, streamed, in the schema: an answer that stands is done, with its facts and what it cost", async () => {
  const { consulted, api } = await consulting(sound);
  if (consulted.kind !== "result" || consulted.result.kind !== "done") throw new Error(JSON.stringify(consulted));
  const { engine, facts, cost, answer } = consulted.result.diagnosis;
  expect(engine).toEqual({ kind: "claude", name: model });
  expect(facts.map(({ value }) => value)).toEqual(["refused", "up"]);
  expect(answer.proposals).toEqual([]);
  expect(cost).toEqual({ usd: (900 * 4 + 300 * 20) / 1e6, inputTokens: 900, outputTokens: 300, calls: 1 });
  const [request] = api.requests;
  expect(request?.body).toMatchObject({ stream: true, model, output_config: { effort: "high" } });
  expect(request?.headers["anthropic-version"]).toBe("2026-10-21");
});

test("a refused answer is given back once, word for word, with what was refused; the second one is what counts", async () => {
  const { consulted, api, bill } = await consulting(turns(wrongQuote, sound));
  expect(consulted).toMatchObject({ kind: "result", result: { kind: "done", diagnosis: { cost: { calls: 2 } } } });
  expect(bill.cost?.calls).toBe(2);
  expect(api.requests[1]?.body.messages).toHaveLength(3);
  const last = api.said(1).at(-1) ?? "";
  expect(last).toContain("QUOTE_DIFFERS");
  // What the model wrote is data in there as well.
  expect(last).not.toContain("<silent>");
});

test("refused twice is ungrounded: kept for people to read, with what was refused", async () => {
  const { consulted, api } = await consulting(turns(wrongQuote, wrongQuote));
  expect(consulted).toMatchObject({
    kind: "result",
    result: { kind: "ungrounded", diagnosis: { cost: { calls: 2 } } },
  });
  expect(
    consulted.kind === "result" && consulted.result.kind === "ungrounded" && consulted.result.rejections,
  ).toMatchObject([{ code: "QUOTE_DIFFERS" }]);
  expect(api.requests).toHaveLength(2);
});

describe("what the validator refuses of a model", () => {
  const rows: [sentence: string, change: Parameters<typeof soundAnswer>[2], code: string][] = [
    ["a target that isn't in the topology", { rootCauses: [{ category: "crashed", target: "node-z", mechanism: "", evidence: ["E1"] }] }, "TARGET_UNKNOWN"],
    ["a fact that there isn't", { rootCauses: [{ category: "crashed", target: "node-a", mechanism: "", evidence: ["E1", "E777"] }] }, "CITATION_UNKNOWN"],
    ["an action that isn't in the catalogue", { proposals: [{ action: "drop_all", target: "node-a", why: "" }] }, "ACTION_UNKNOWN"],
    ["parameters out of their bounds", { proposals: [{ action: "update_limit", target: "node-a", parameters: { key: "k", limit: 9_999 }, why: "" }] }, "PARAMETERS_INVALID"],
    ["a fault without a cause", { rootCauses: [] }, "CAUSE_MISSING"],
    ["a category that isn't in the list", { rootCauses: [{ category: "gremlins", target: "node-a", mechanism: "", evidence: ["E1"] }] }, "ANSWER_MALFORMED"],
  ]; // prettier-ignore
  test.each(rows)("%s", async (_, change, code) => {
    const { api, consulted } = await consulting(turns(changed(change), sound));
    expect(api.said(1).at(-1)).toContain(`"code":"${code}"`);
    expect(consulted).toMatchObject({ result: { kind: "done" } });
  });

  test("but not an action of the catalogue, with or without parameters", async () => {
    const proposals = [
      { action: "restart_node", target: "node-a", why: "it crashed" },
      { action: "update_limit", target: "node-a", parameters: { key: "k", limit: 9 }, why: "" },
    ];
    const { consulted } = await consulting(turns(changed({ proposals })));
    expect(consulted).toMatchObject({
      result: {
        kind: "done",
        diagnosis: { answer: { proposals: [{ parameters: {} }, { parameters: { limit: 9 } }] } },
      },
    });
  });
});

describe("what becomes of trouble", () => {
  const busy = { status: 529, type: "overloaded_error" };
  const later = { status: 429, type: "rate_limit_error", headers: { "retry-after": "7" } };
  const done = { kind: "result", result: { kind: "done" } };
  const playbook = (why: string) => ({ kind: "playbook", why: expect.stringContaining(why) as unknown });
  const failed = (code: string, message: string) => ({
    kind: "result",
    result: { kind: "failed", code, message: expect.stringContaining(message) as unknown },
  });
  const cut = { fault: "cut" } as const;
  const rows: [sentence: string, script: Script, expected: object, waits: number[], setting?: Setting][] = [
    ["rate limited: waits as long as it's told", turns(later, later, sound), done, [7_010, 7_010]],
    ["overloaded without a word how long: waits a minute", turns(busy, sound), done, [60_010]],
    ["a time to come back to that nobody can read: a minute", turns({ status: 429, headers: { "retry-after": "soon" } }, sound), done, [60_010]],
    ["told in milliseconds", turns({ status: 503, headers: { "retry-after-ms": "250" } }, sound), done, [260]],
    ["the connection breaks before an answer: waits", turns({ fault: "reset" }, sound), done, [60_010]],
    ["busy for ten minutes: it's given up", () => busy, failed("MODEL_BUSY", "(529)"), Array.from({ length: 10 }, () => 60_010)],
    ["told to come back tomorrow: given up at once", turns({ status: 429, headers: { "retry-after": "86400" } }), failed("MODEL_BUSY", "86400 s"), []],
    ["the ticket closes meanwhile: nobody is asked any more", turns(busy), failed("MOOT", "closed"), [60_010], { moot: "closed" }],
    ["the answer breaks off: asked once more", turns(cut, sound), done, [1_000]],
    ["the answer breaks off with an error event: asked once more", turns({ fault: "overloaded" }, sound), done, [1_000]],
    ["it breaks off twice: the playbook", turns(cut, cut), playbook("broke off twice"), [1_000]],
    ["no answer in time: the playbook", turns({ fault: "hang" }), playbook("too slow"), [], { timeoutMs: 300 }],
    ["an answer that stalls: the playbook", turns({ fault: "stall" }), playbook("too slow"), [], { timeoutMs: 300 }],
    ["refused by the model: the playbook", turns({ text: "", stop: "refusal", category: "cyber" }), playbook("refused to answer (cyber)"), []],
    ["cut by its length: the playbook", turns({ text: '{"verdict":', stop: "max_tokens" }), playbook("cut after 300 tokens"), []],
    ["a case too long for the model: the playbook", turns({ text: "", stop: "model_context_window_exceeded" }), playbook("cut after"), []],
    ["outside the schema twice: the playbook", turns({ text: "Sorry!" }, { text: "[]" }), playbook("outside the schema"), []],
    ["the account has no money: the playbook", turns({ status: 402, type: "billing_error" }), playbook("no budget"), []],
    ["the account's limit is reached: the playbook", turns({ status: 429, code: "enforced_spend_limit_reached" }), playbook("no budget"), []],
    ["our budget is spent: the playbook, nobody is asked", turns(), playbook("no budget: it's spent"), [], { usd: 0.1 }],
    ["a wrong key", turns({ status: 401, type: "authentication_error" }), failed("MODEL_DENIED", "(401)"), []],
    ["no such model", turns({ status: 404, type: "not_found_error" }), failed("MODEL_DENIED", "(404)"), []],
    ["a request that it won't take", turns({ status: 400, type: "invalid_request_error" }), failed("MODEL_REQUEST_INVALID", "(400)"), []],
    ["told not to try again", turns({ status: 500, headers: { "x-should-retry": "false" } }), failed("MODEL_DENIED", "(500)"), []],
    ["a key that is taken back after an answer broke off: the playbook, with the cost", turns(cut, { status: 401 }), { kind: "playbook", cost: { calls: 1 } }, [1_000]],
    ["a key that is taken back between answer and repair: what there is, ungrounded", turns(wrongQuote, { status: 401 }), { result: { kind: "ungrounded", diagnosis: { engine: { why: expect.stringContaining("(401)") as unknown } } } }, []],
    ["the same after an answer outside the schema: the playbook, with the cost", turns({ text: "?" }, { status: 401 }), { kind: "playbook", cost: { calls: 1 } }, []],
  ]; // prettier-ignore
  test.each(rows)("%s", async (_, script, expected, waits, setting) => {
    const outcome = await consulting(script, setting);
    expect(outcome.consulted).toMatchObject(expected);
    expect(outcome.waits).toEqual(waits);
    // Every wait for a busy API is shown; the second before another try isn't one.
    expect(outcome.shown).toHaveLength(waits.filter((ms) => ms !== 1_000).length);
  });

  test.each<[sentence: string, script: Script, pauses: string[], setting?: Setting]>([
    ["the account has no money", turns({ status: 402, type: "billing_error" }), ["budget"]],
    ["our budget is spent", turns(), ["budget"], { usd: 0.1 }],
    ["a wrong key", turns({ status: 401, type: "authentication_error" }), ["denied"]],
    ["a key that is taken back before the repair", turns(wrongQuote, { status: 401 }), ["denied"]],
    ["a request that it won't take is one case's trouble", turns({ status: 400 }), []],
    ["nor is a busy model a pause", turns(busy, sound), []],
  ])("a pause of all diagnosis is told: %s", async (_, script, expected, setting) => {
    const { pauses } = await consulting(script, setting);
    expect(pauses).toEqual(expected);
  });

  test("what broke off is counted as the most that it can have cost, and says so", async () => {
    const { consulted, bill } = await consulting(turns(cut, cut));
    expect(consulted).toMatchObject({ kind: "playbook", cost: { calls: 2, upperBound: true, outputTokens: 64_000 } });
    expect(bill.usd).toBeGreaterThan((64_000 * 20) / 1e6);
  });

  test("an answer may be as long as the budget pays for, and no longer", async () => {
    const { api } = await consulting(sound, { usd: 0.4 });
    const [request] = api.requests;
    const tokens = request?.body.max_tokens ?? 0;
    expect(tokens).toBeGreaterThan(6_000);
    expect(tokens).toBeLessThan(20_000);
  });

  test("nothing is spent where nothing was answered", async () => {
    const { bill } = await consulting(turns(later, { status: 401 }));
    expect(bill.cost).toBeUndefined();
  });
});

test("when the service stops, a call under way ends with it", async () => {
  await using api = await MessagesApi.start(() => ({ fault: "hang" }));
  const client = await createClient({ apiKey: api.key, url: api.url, log });
  const stop = new AbortController();
  const request = claudeRequest({ file: theCase.file, actions: [], readTools: [], model, effort: "low", tokensMax: 9_000, nonce, secrets: [] }); // prettier-ignore
  const calling = call(client, request, { timeoutMs: 60_000, signal: stop.signal });
  setTimeout(() => stop.abort(new Error("stopping")), 100);
  await expect(calling).rejects.toThrow("stopping");
});
