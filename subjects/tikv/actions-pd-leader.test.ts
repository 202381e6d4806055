import { NotDone } from "@operator/subject/action";
import { expect, test } from "vitest";
import { api, carryOut, hands, inTime, ledBy } from "./action-exchange.fixture.ts";
import { ask, stateWith } from "./action-state.fixture.ts";
import { v8 } from "./pd-exchange.fixture.ts";
import type { State } from "./state.ts";

// Against what a real PD answered: what it's asked for, byte by byte, and what is made of its answers.

const leader = `GET ${api}/leader`;
const resign = `POST ${api}/leader/resign`;
// Recorded without its head, in pd-03-resign-leader.
const resigned = { ...v8("write-config"), body: '"The resign command is submitted."' };
const state2 = (name: string) =>
  stateWith(({ members }) => {
    const reading = members["cluster"];
    if (!reading) return;
    reading.leader = name;
    reading.members[name] = { name, url: "http://x:1" };
  });

test("resign_pd_leader waits until another member leads", async () => {
  const none = { ...v8("leader"), status: 503, body: "[PD:apiutil:ErrRedirectNoLeader]redirect finds no leader" };
  const script = { [leader]: [v8("leader"), v8("leader"), none, ledBy("pd3")], [resign]: [resigned] };
  const done = await carryOut(script, "resign_pd_leader", "pd2", {}, { state: state2("pd2") });
  expect(done.effect).toMatch(/^pd3 leads PD, \d+ ms after pd2 resigned$/);
  expect(done).toMatchObject({ writes: [resign], callers: ["operator/resign_pd_leader"] });
});

test("who doesn't lead by now isn't asked to resign", async () => {
  const { error, writes } = await carryOut(
    { [leader]: [ledBy("pd3")] },
    "resign_pd_leader",
    "pd2",
    {},
    { state: state2("pd2") },
  );
  expect(error).toMatchObject({ code: "NOT_THE_LEADER" });
  expect(writes).toEqual([]);
});

const sinceMs = (ms: number | undefined) => (state: Required<State>) => {
  const reading = state.members["cluster"];
  if (reading && ms !== undefined) reading.leaderSinceMs = Date.now() - ms;
  else delete reading?.leaderSinceMs;
};

test.each([
  ["leads for less than 20 s", 15_000],
  ["leads since nobody knows when", undefined],
])("nothing is asked of a PD whose leader %s", async (_, ms) => {
  const { error, writes } = await carryOut({}, "undrain_store", "store-1", {}, { state: stateWith(sinceMs(ms)) });
  expect(error).toBeInstanceOf(NotDone);
  expect(error).toMatchObject({ code: "PD_LEADER_NEW", message: expect.stringContaining("pd-2 has led") });
  expect(writes).toEqual([]);
});

test("a PD that isn't there has done nothing for certain", async () => {
  const { action, given } = ask("undrain_store", stateWith(), "store-1", {});
  const away = { TIKV_PD_ENDPOINTS: "http://127.0.0.1:1" };
  await expect(action.execute({ ...given, keep: async () => {} }, hands(away), inTime())).rejects.toMatchObject({
    code: "PD_UNREACHABLE",
  });
});
