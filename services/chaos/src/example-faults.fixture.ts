import { appendFileSync, existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { type Fault, type FaultHands, FaultRefused, type Member } from "@operator/subject/fault";
import { z } from "zod";

const targets = (members: Member[]) => members.filter(({ kind }) => kind === "example").map(({ target }) => target);

function breaks(target: string, members: Member[]): string | undefined {
  const left = members.filter((member) => member.state === "running" && member.target !== target).length;
  return left < 2 ? `${left} of ${members.length} members would be left` : undefined;
}

const base = { targets, breaks, ttlMs: { default: 2_000, max: 60_000 }, cause: "crashed" as const };
const unharmful = { ...base, by: "api" as const, breaks: () => undefined, parameters: z.strictObject({}) };

/** A file of a member's, in the folder that the environment names: what these faults have instead of an API. */
export function fileOf(folder: string, target: string, what: "mark" | "injections" | "reverts" | "go"): string {
  return join(folder, `${target}.${what}`);
}

const file = ({ environment }: FaultHands, target: string, what: Parameters<typeof fileOf>[2]) =>
  fileOf(environment["EXAMPLE_FOLDER"] ?? "", target, what);

const proof: Extract<Fault, { by: "api" }>["proof"] = async ({ target }, hands) =>
  existsSync(file(hands, target, "mark"))
    ? `${target} is marked ${readFileSync(file(hands, target, "mark"), "utf8")}`
    : undefined;

/** Faults of a subject that has real processes as members and files as its API. */
export const exampleFaults: readonly Fault[] = [
  { ...base, name: "kill_member", title: "A member is killed", by: "supervisor", verb: "kill" },
  { ...base, name: "pause_member", title: "A member is paused", by: "supervisor", verb: "pause" },
  {
    ...unharmful,
    name: "mark_member",
    title: "A member is marked",
    parameters: z.strictObject({ text: z.string().default("wrong") }),
    inject: async ({ target, parameters }, hands) => {
      appendFileSync(file(hands, target, "injections"), "x");
      writeFileSync(file(hands, target, "mark"), JSON.stringify(parameters));
      return { undo: { marked: target } };
    },
    revert: async ({ target }, hands) => {
      appendFileSync(file(hands, target, "reverts"), "x");
      rmSync(file(hands, target, "mark"), { force: true });
    },
    proof,
  },
  {
    ...base,
    name: "kill_first",
    title: "The first member that runs is killed",
    by: "supervisor",
    verb: "kill",
    targets: (members) => (targets(members).length > 0 ? ["first"] : []),
    resolve: async (_, members) => {
      const first = members.find(({ state }) => state === "running");
      if (!first) throw new FaultRefused("NOBODY_RUNS", "no member runs, so none is the first");
      return { target: first.target, observedAs: `seen-${first.target}` };
    },
  },
  {
    ...unharmful,
    name: "note_member",
    title: "A member is marked, and what was there before is known before that",
    resolve: async (target) => ({ target, undo: { before: "nothing" } }),
    inject: async ({ target }, hands) => {
      writeFileSync(file(hands, target, "mark"), "noted");
      throw new Error("the API answered 500");
    },
    revert: async ({ target, undo }, hands) => {
      // What `inject` would have given isn't there: the journal's is.
      z.object({ before: z.literal("nothing") }).parse(undo);
      rmSync(file(hands, target, "mark"), { force: true });
    },
    proof,
  },
  {
    ...unharmful,
    name: "idle_member",
    title: "Nothing happens",
    inject: async () => ({ undo: null }),
    revert: async ({ target }, hands) => appendFileSync(file(hands, target, "reverts"), "x"),
    proof,
  },
  {
    ...unharmful,
    name: "fade_member",
    title: "A member is marked until that fades",
    inject: async ({ target, ttlMs }, hands) => {
      writeFileSync(file(hands, target, "mark"), "fading");
      setTimeout(() => rmSync(file(hands, target, "mark"), { force: true }), ttlMs);
      return { undo: null };
    },
    proof,
  },
  {
    ...unharmful,
    name: "late_mark_member",
    title: "A member is marked long after that was begun",
    inject: async ({ target }, hands) => {
      while (!existsSync(file(hands, target, "go"))) await sleep(25);
      writeFileSync(file(hands, target, "mark"), "late");
      return { undo: null };
    },
    revert: async ({ target }, hands) => rmSync(file(hands, target, "mark"), { force: true }),
    proof,
  },
  {
    ...unharmful,
    name: "stuck_mark_member",
    title: "A member is marked, and the API takes that back only when it's told to",
    inject: async ({ target }, hands) => {
      writeFileSync(file(hands, target, "mark"), "stuck");
      return { undo: null };
    },
    revert: async ({ target }, hands) => {
      if (!existsSync(file(hands, target, "go"))) throw new Error("the API answered 503");
      rmSync(file(hands, target, "mark"), { force: true });
    },
    proof,
  },
  {
    ...unharmful,
    name: "half_mark_member",
    title: "A member is marked, and the API fails then",
    inject: async ({ target }, hands) => {
      writeFileSync(file(hands, target, "mark"), "half");
      throw new Error("the API answered 500");
    },
    revert: async ({ target }, hands) => rmSync(file(hands, target, "mark"), { force: true }),
    proof,
  },
];
