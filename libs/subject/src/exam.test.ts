import { SourceName, TargetName } from "@operator/contracts/names";
import { expect, test } from "vitest";
import { z } from "zod";
import type { Action } from "./action.ts";
import { examine, examineRoom, type WholeRoom } from "./exam.ts";
import { examineTopology } from "./exam-rules.ts";
import type { Invariant } from "./invariant.ts";
import type { ReadTool } from "./read-tool.ts";
import { defineState, type StateOf } from "./state.ts";

const state = defineState({ probe: z.object({ up: z.boolean() }) });
type State = StateOf<typeof state>;

function invariant(name: string, changes: Partial<Invariant<State>> = {}): Invariant<State> {
  return {
    name,
    title: "A target answers",
    severity: "critical",
    graceMs: 0,
    worstDetectionMs: 1_000,
    why: "an example of a room",
    targets: ({ probe }) => Object.keys(probe ?? {}),
    needs: (target) => [{ source: "probe", target }],
    judge: ({ probe }, target) =>
      probe?.[target] ? { verdict: "ok", reason: "", pointers: [] } : { verdict: "unknown", reason: "nothing there" },
    ...changes,
  };
}

const slow = invariant("slow", { graceMs: 5_000, worstDetectionMs: 6_000 });
const explains = { cause: "down", effect: "slow", joins: () => true, why: "what is down is slow" };

/** A room that passes, with some of it replaced. */
function room(changes: Partial<WholeRoom> = {}): WholeRoom {
  return {
    state: { state },
    observe: { observe: () => Promise.reject(new Error("not for the exam")) },
    invariants: { invariants: [invariant("down"), slow] },
    topology: { topology: { targets: () => [{ name: "a", kind: "node", dependsOn: [] }], explanations: [explains] } },
    playbook: { playbook: () => answer, playbookName: "example" },
    actions: { actions: [action()] },
    settings: {
      settings: { EXAMPLE_URL: z.url(), EXAMPLE_RATE: z.string().default("5") },
      settingsHelp: [
        { name: "EXAMPLE_URL", about: "where the example is" },
        { name: "EXAMPLE_RATE", about: "how fast it goes", default: "5" },
      ],
    },
    processes: { processes: plan },
    ...changes,
  };
}

function action(changes: Partial<Action<State>> = {}): Action<State> {
  return {
    name: "restart",
    title: "Start what isn't running",
    about: "Starts a target that isn't running; right for a crash, without a risk.",
    parameters: z.strictObject({}),
    risk: "low",
    targets: ({ probe }) => Object.keys(probe ?? {}),
    executeWithinMs: 1_000,
    verifyWithinMs: 90_000,
    coolDownMs: 60_000,
    takesOut: false,
    needs: () => [],
    guard: () => ({ code: "NOTHING_SEEN", message: "nothing was read" }),
    isDone: () => undefined,
    execute: () => Promise.reject(new Error("not for the exam")),
    ...changes,
  };
}

const answer = {
  verdict: "unknown" as const,
  headline: "nobody knows",
  rootCauses: [],
  confidence: 0,
  timeline: [],
  evidence: [],
  alternatives: [],
  options: [],
  proposals: [],
  verify: [],
  missing: [],
};

const program = {
  command: "node" as const,
  arguments: ["a.ts"],
  environment: {},
  ready: { port: 1 },
  labels: { a: "b" },
};
const plan: WholeRoom["processes"]["processes"] = {
  ports: ["a"],
  secrets: [],
  specs: ({ ports }) => [{ ...program, name: "a", target: "a", ready: { port: ports["a"] ?? 0 } }],
  environment: () => ({ EXAMPLE_URL: "http://127.0.0.1" }),
};

test("a room that keeps its promises passes, with read tools or without", () => {
  expect(examine(room())).toEqual([]);
  const limit = z.strictObject({ limit: z.int().min(1).max(9) });
  expect(examine(readTools(readTool(), readTool({ name: "get_hot", parameters: limit })))).toEqual([]);
});

const rules = (...invariants: Invariant<State>[]) => room({ invariants: { invariants } });
const explanations = (...all: (typeof explains)[]) =>
  room({ topology: { topology: { targets: () => [], explanations: all } } });
const targets = (names: { name: string; dependsOn: string[] }[]) =>
  room({ topology: { topology: { targets: () => names.map((one) => ({ ...one, kind: "x" })), explanations: [] } } });
const processes = (changes: Partial<typeof plan>) => room({ processes: { processes: { ...plan, ...changes } } });
const settings = (settingsHelp: WholeRoom["settings"]["settingsHelp"]) =>
  room({ settings: { settings: room().settings.settings, settingsHelp }, processes: { processes: plan } });
const actions = (...all: Action<State>[]) => room({ actions: { actions: all } });
function readTool(changes: Partial<ReadTool> = {}): ReadTool {
  return {
    name: "get_targets",
    title: "The targets as they are",
    about: "Every target with its state; helps to tell one that is down from all that are.",
    parameters: z.strictObject({}),
    read: () => Promise.reject(new Error("not for the exam")),
    ...changes,
  };
}

const readTools = (...observations: ReadTool[]) => room({ observations: { observations } });
/** An action that takes these parameters. */
const taking = (parameters: z.ZodType) => actions(action({ parameters }));
const aboutUrl = { name: "EXAMPLE_URL", about: "where the example is" };
const aboutRate = { name: "EXAMPLE_RATE", about: "how fast it goes" };
const oops = (): never => {
  throw new Error("oops");
};

test.each<[string, WholeRoom, RegExp]>([
  ["a file of read tools without any", readTools(), /observations.ts: observations: expected at least one/],
  ["two read tools of one name", readTools(readTool(), readTool()), /observations.ts: get_targets: named twice/],
  ["a read tool that seems to write", readTools(readTool({ name: "set_targets" })), /set_targets: name: expected/],
  ["a read tool that nobody could choose", readTools(readTool({ about: "All." })), /get_targets: about: expected what/],
  [
    "a read tool that takes anything",
    readTools(readTool({ parameters: z.looseObject({}) })),
    /get_targets: parameters: expected a flat object/,
  ],
  [
    "a read tool that takes a text of any length",
    readTools(readTool({ parameters: z.strictObject({ id: z.string() }) })),
    /get_targets: parameters.id: a text needs a longest length/,
  ],
  ["two invariants of one name", rules(invariant("down"), invariant("down"), slow), /down: named twice/],
  [
    "an invariant named like the framework's",
    rules(invariant("down"), slow, invariant("source_blind")),
    /framework's own name/,
  ],
  ["a name that is no name", rules(invariant("down"), slow, invariant("Node Down")), /Node Down: name: /],
  ["an invariant without its reason", rules(invariant("down", { why: "" }), slow), /down: why: expected a sentence/],
  ["a grace below 0", rules(invariant("down", { graceMs: -1 }), slow), /down: graceMs: /],
  ["a grace of days", rules(invariant("down", { graceMs: 1e9, worstDetectionMs: 2e9 }), slow), /down: graceMs: /],
  [
    "a detection without its grace",
    rules(invariant("down"), { ...slow, worstDetectionMs: 4_000 }),
    /slow: worstDetectionMs 4000 must be more than graceMs 5000/,
  ],
  ["a need of no source", rules(invariant("down", { needs: () => [] }), slow), /down: needs: names no source/],
  [
    "a need of a foreign source",
    rules(invariant("down", { needs: () => [{ source: "oracle", target: "x" }] }), slow),
    /names the source oracle; state.ts has probe/,
  ],
  [
    "a departure that needs no source",
    rules(invariant("down", { left: { needs: () => [], says: () => false } }), slow),
    /left.needs: names no source/,
  ],
  [
    "a departure that is read from nothing",
    rules(invariant("down", { left: { needs: () => [{ source: "probe", target: "x" }], says: () => true } }), slow),
    /left.says: says that a target left, without evidence/,
  ],
  [
    "a verdict on nothing",
    rules(invariant("down", { judge: () => ({ verdict: "ok", reason: "", pointers: [] }) }), slow),
    /judge: says ok; what isn't there is unknown/,
  ],
  [
    "a rule that throws on nothing",
    rules(invariant("down", { judge: oops }), slow),
    /judge: throws where there's nothing to see: oops/,
  ],
  ["targets that throw on nothing", rules(invariant("down", { targets: oops }), slow), /targets: throws/],
  [
    "an explanation by nobody",
    explanations({ ...explains, cause: "dwon" }),
    /no invariant is named dwon; there are down, slow, source_blind/,
  ],
  ["an explanation of nothing", explanations({ ...explains, effect: "solw" }), /no invariant is named solw/],
  [
    "an explanation without its reason",
    explanations({ ...explains, why: "" }),
    /explanations.0.why: expected a sentence/,
  ],
  [
    "a symptom that fires before its cause",
    explanations({ ...explains, cause: "slow", effect: "down" }),
    /down's grace of 0 ms is shorter than slow's worst detection of 6000 ms/,
  ],
  [
    "a circle of explanations",
    explanations(explains, { ...explains, cause: "slow", effect: "down" }),
    /down explains itself in a circle/,
  ],
  ["an explanation that throws", explanations({ ...explains, joins: oops }), /down explains slow: joins: throws/],
  [
    "a target named twice",
    targets([
      { name: "a", dependsOn: [] },
      { name: "a", dependsOn: [] },
    ]),
    /names a twice/,
  ],
  ["a dependency on no target", targets([{ name: "a", dependsOn: ["z"] }]), /a depends on z, which is no target/],
  [
    "a playbook that throws",
    room({ playbook: { playbook: oops, playbookName: "x" } }),
    /playbook.ts: on down \(unreachable\) without facts: throws: oops/,
  ],
  [
    "a playbook whose answer is none",
    room({ playbook: { playbook: () => ({ ...answer, confidence: 7 }), playbookName: "x" } }),
    /no valid answer/,
  ],
  [
    "a playbook that is sure without evidence",
    room({ playbook: { playbook: () => ({ ...answer, verdict: "fault", confidence: 1 }), playbookName: "x" } }),
    /is 1 sure of a fault and cites nothing/,
  ],
  [
    "a playbook without a name",
    room({ playbook: { playbook: () => answer, playbookName: "" } }),
    /playbook.ts: playbookName/,
  ],
  ["two actions of one name", actions(action(), action()), /restart: named twice/],
  ["an action that doesn't say what it's for", actions(action({ about: "" })), /restart: about: expected what it does/],
  [
    "an action that is given up before its violation can clear",
    actions(action({ verifyWithinMs: 61_000 })),
    /verifyWithinMs 61000 must be more than 61000/,
  ],
  ["an action for every hour", actions(action({ coolDownMs: 1e9 })), /restart: coolDownMs: /],
  ["a guard that lets everything pass", actions(action({ guard: () => undefined })), /guard: lets it be done/],
  ["a guard that throws on nothing", actions(action({ guard: oops })), /guard: throws where there's nothing to see/],
  ["an effect that is seen in nothing", actions(action({ isDone: () => true })), /isDone: says that it's done/],
  ["an isDone that throws on nothing", actions(action({ isDone: oops })), /isDone: throws/],
  ["action targets that throw on nothing", actions(action({ targets: oops })), /targets: throws/],
  ["parameters that are no object", taking(z.string()), /parameters: expected a flat object/],
  ["parameters that take anything", taking(z.record(z.string(), z.string())), /parameters: expected a flat object/],
  ["parameters with names of their own", taking(z.looseObject({})), /parameters: expected a flat object/],
  [
    "a parameter within a parameter",
    taking(z.strictObject({ a: z.strictObject({}) })),
    /parameters.a: expected a string/,
  ],
  [
    "a parameter that may be left out",
    taking(z.strictObject({ a: z.boolean().optional() })),
    /parameters.a: must be required/,
  ],
  ["a text of any length", taking(z.strictObject({ a: z.string() })), /parameters.a: a text needs a longest length/],
  ["a number of any size", taking(z.strictObject({ a: z.int().min(1) })), /parameters.a: a number needs/],
  ["a variable that people aren't told of", settings([aboutUrl]), /EXAMPLE_RATE is read and not in settingsHelp/],
  [
    "help on a variable that isn't read",
    settings([aboutUrl, aboutRate, { ...aboutRate, name: "EXAMPLE_X" }]),
    /EXAMPLE_X, which isn't read/,
  ],
  ["help given twice", settings([aboutUrl, aboutRate, aboutRate]), /settingsHelp has EXAMPLE_RATE twice/],
  ["a default that isn't one", settings([{ ...aboutUrl, default: "http://x" }, aboutRate]), /but it must be set/],
  [
    "programs of one name",
    processes({
      specs: () => [
        { ...program, name: "a" },
        { ...program, name: "a" },
      ],
    }),
    /two programs are named a/,
  ],
  [
    "a target that no fault may touch",
    processes({ specs: () => [{ ...program, name: "a", target: "a", labels: {} }] }),
    /a is a target without a label/,
  ],
  [
    "a port that wasn't asked for",
    processes({ specs: ({ ports }) => [{ ...program, name: "a", arguments: [`${ports["b"]}`] }] }),
    /a is started with "undefined"/,
  ],
  [
    "an environment that nobody reads",
    processes({ environment: () => ({ EXAMPLE_UR: "x" }) }),
    /sets EXAMPLE_UR, which settings.ts doesn't read/,
  ],
  [
    "a secret that is for those who change things",
    processes({ secrets: ["token"], environment: ({ secrets }) => ({ EXAMPLE_URL: secrets["token"] ?? "" }) }),
    /tells everybody a secret/,
  ],
  [
    "a credential that nobody reads",
    processes({ writeEnvironment: () => ({ EXAMPLE_TOKEN: "x" }) }),
    /sets EXAMPLE_TOKEN, which settings.ts doesn't read/,
  ],
  ["processes that throw", processes({ specs: oops }), /processes.ts: throws: oops/],
])("%s fails the exam", (_, broken, complaint) => {
  expect(examine(broken).join("\n")).toMatch(complaint);
});

test("a file that doesn't export what it should is named with what is missing", () => {
  const misshapen: WholeRoom = { ...room(), ...JSON.parse('{"topology":{},"state":{"state":{"probe":1}}}') };
  expect(examine(misshapen)).toEqual([
    "state.ts: state.probe: expected a schema",
    expect.stringContaining("topology.ts: topology: "),
  ]);
});

test("a room that isn't there says which there are", async () => {
  expect(await examineRoom("nowhere")).toEqual([
    expect.stringMatching(
      /^state\.ts can't be loaded: no room for the subject "nowhere": subjects\/ has .*ratelimiter/,
    ),
  ]);
});

test("the joins of a room are asked with every kind of detail", () => {
  const kinds = new Set<string>();
  const joins: typeof explains.joins = (...[, effect]: [unknown?, { detail: { kind: string } }?]) => {
    if (effect) kinds.add(effect.detail.kind);
    return true;
  };
  expect(examine(explanations({ ...explains, joins }))).toEqual([]);
  expect([...kinds].sort()).toEqual(["blind", "silent_service", "state", "threshold", "unreachable"]);
});

test("a topology of targets that depend on each other passes", () => {
  const names = [SourceName.parse("x"), TargetName.parse("y")];
  const all = names.map((name) => ({ name, kind: "x", dependsOn: [...names] }));
  expect(examineTopology({ targets: () => all, explanations: [] })).toEqual([]);
});
