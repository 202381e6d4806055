import type { Agent } from "undici";
import { afterEach, beforeEach, expect, test } from "vitest";
import { KnownMembers } from "./known-members.ts";
import { followed, leaderBy, membersSource } from "./observe-members.ts";
import { PdClient, pdDispatcher } from "./pd-client.ts";
import { recorded, type Recorded, serve, serveRecorded } from "./recorded.fixture.ts";
import type { PdEndpoint } from "./settings.ts";
import { MembersReading } from "./state.ts";

let dispatcher: Agent;
beforeEach(() => {
  dispatcher = pdDispatcher();
});
afterEach(() => dispatcher.destroy());

const leaderPath = "/pd/api/v1/leader";
const list = recorded("50-pd-v8.5.5/members");
const leader = recorded("50-pd-v8.5.5/leader");
/** The recorded list, of members that are here. */
const listOf = (...urls: string[]): Recorded => ({
  ...list,
  body: ["12379", "22379", "32379"].reduce(
    (body, port, at) => body.replaceAll(`http://127.0.0.1:${port}`, urls[at] ?? `http://127.0.0.1:${at + 1}`),
    list.body,
  ),
});
const redirectFails = (path: string): Recorded => ({
  method: "GET",
  path,
  status: 500,
  contentType: "text/plain; charset=utf-8",
  body: "[PD:apiutil:ErrRedirect]redirect failed\n",
});

function watch(endpoints: PdEndpoint[], nowMs?: () => number) {
  const known = new KnownMembers(endpoints);
  const source = membersSource(new PdClient(endpoints, dispatcher), known, nowMs);
  const read = async () => {
    // Nobody else ends it: who is silent is given up by the source itself.
    const reading = (await source.read(new AbortController().signal))["cluster"];
    if (!reading || !("value" in reading)) throw new Error(`no reading: ${JSON.stringify(reading)}`);
    return MembersReading.parse(reading.value);
  };
  return { known, read };
}

test("the list of PD itself: names, ids with all digits, and who leads by each", async () => {
  await using pd = await serveRecorded([leader]);
  await using other = await serveRecorded([leader]);
  pd.asked.length = 0;
  const answers = [listOf(pd.url, other.url), leader];
  await using first = await serveRecorded(answers);
  answers[0] = listOf(first.url, other.url, pd.url);
  const { read, known } = watch([{ url: first.url }]);
  expect(await read()).toMatchObject({
    clusterId: "7710507798358260623",
    leader: "pd2",
    isListed: true,
    members: {
      pd1: { name: "pd1", id: "1073040932951649287", url: first.url },
      pd2: { name: "pd2", id: "13523632400839723199", url: other.url },
      pd3: { name: "pd3", id: "11494573939828987730", url: pd.url },
    },
    // The others are known only now.
    answers: { pd1: { leader: "pd2" } },
  });
  expect((await read()).answers).toEqual({ pd1: { leader: "pd2" }, pd2: { leader: "pd2" }, pd3: { leader: "pd2" } });
  expect([...known.watched().keys()].toSorted()).toEqual(["pd1", "pd2", "pd3"]);
});

test("the list is asked for every ten seconds, of one member at a time, the leader every second of each", async () => {
  let now = 1_000_000;
  const answers = [list, leader];
  await using first = await serveRecorded(answers);
  await using second = await serveRecorded(answers);
  answers[0] = listOf(first.url, second.url);
  const { read } = watch([{ url: first.url }, { url: second.url }], () => now);
  for (let second = 0; second < 30; second += 1, now += 1_000) await read();
  for (const { asked } of [first, second]) expect(asked.length).toBe(30);
  const lists = [...first.asked, ...second.asked].filter(({ path }) => path !== leaderPath);
  // Both at first; the third member, whom nobody can reach, had a turn as well.
  expect(lists.length).toBeGreaterThanOrEqual(3);
  expect(lists.length).toBeLessThanOrEqual(6);
});

test("nobody leads: a reading that names each member's error, under the names that PD gave before", async () => {
  const answers = [list, leader];
  await using pd = await serveRecorded(answers);
  answers[0] = listOf(pd.url);
  const { read } = watch([{ url: pd.url }]);
  await read();
  answers[1] = redirectFails(leaderPath);
  const reading = await read();
  expect(reading.leader).toBeUndefined();
  expect(reading.leaderSinceMs).toBeUndefined();
  expect(reading.answers).toEqual({
    pd1: { code: "ErrRedirect" },
    pd2: { code: "ECONNREFUSED" },
    pd3: { code: "ECONNREFUSED" },
  });
  expect(reading).toMatchObject({ isListed: true, clusterId: "7710507798358260623" });
});

test("a member that is silent costs the others nothing", async () => {
  await using silent = await serve(() => {});
  const answers = [list, leader];
  await using pd = await serveRecorded(answers);
  answers[0] = listOf(pd.url, silent.url);
  const { read } = watch([{ url: pd.url }, { url: silent.url }]);
  expect(await read()).toMatchObject({ leader: "pd2", answers: { pd1: { leader: "pd2" }, pd2: { code: "TIMEOUT" } } });
});

test("before PD could be asked, members are watched under the names that they were given, or their addresses", async () => {
  const { read } = watch([
    { url: "http://127.0.0.1:1", name: "pd-1" },
    { url: "http://127.0.0.1:2", name: "left" },
    { url: "http://127.0.0.1:3" },
  ]);
  const reading = await read();
  expect(reading).toMatchObject({ isListed: false, members: { "pd-1": { name: "pd-1" } } });
  expect(Object.keys(reading.members)).toEqual(["pd-1", "pd-left", "pd-127.0.0.1:3"]);
  expect(Object.keys(reading.answers)).toEqual(["pd-1", "pd-left", "pd-127.0.0.1:3"]);
});

test("an address that a person gave with a name goes before PD's, and a member that PD no longer lists has departed", async () => {
  await using pd = await serveRecorded([list, leader]);
  const { read, known } = watch([
    { url: pd.url, name: "pd2" },
    { url: "http://127.0.0.1:1", name: "pd9" },
  ]);
  expect((await read()).members).toMatchObject({ pd2: { url: pd.url }, pd1: { url: "http://127.0.0.1:12379" } });
  expect(known.departed()).toEqual(["pd9"]);
});

test.each([
  { name: "all agree", answers: ["a", "a", "a"], leader: "a" },
  { name: "an old leader still names itself", answers: ["a", "b", "b"], leader: "b" },
  { name: "one can say", answers: ["a", undefined, undefined], leader: "a" },
  { name: "as many say another", answers: ["a", "b", undefined], leader: undefined },
  { name: "none can say", answers: [undefined, undefined], leader: undefined },
])("who leads when $name", ({ answers, leader }) => {
  expect(leaderBy(answers.map((leader) => (leader === undefined ? { code: "TIMEOUT" } : { leader })))).toBe(leader);
});

test.each([
  { name: "the same leader goes on", leaders: ["a", "a", "a"], sinceMs: 0 },
  { name: "another one leads", leaders: ["a", "a", "b"], sinceMs: 2_000 },
  { name: "one reading named none", leaders: ["a", undefined, "a"], sinceMs: 0 },
  { name: "nobody led for some seconds, then the same one", leaders: ["a", undefined, undefined, "a"], sinceMs: 3_000 },
])("since when a leader leads when $name", ({ leaders, sinceMs }) => {
  const last = leaders.reduce((before, leader, second) => followed(before, leader, second * 1_000), {});
  expect(last).toMatchObject({ sinceMs });
});
