import type { Agent } from "undici";
import { afterEach, beforeEach, expect, test } from "vitest";
import { z } from "zod";
import { PdClient, pdDispatcher } from "./pd-client.ts";
import { PdError } from "./pd-error.ts";
import { exactJson, PdId } from "./pd-json.ts";
import { recorded, serve, serveRecorded, type Serving } from "./recorded.fixture.ts";

const Cluster = z.object({ id: PdId });
const path = "/pd/api/v1/cluster";
let dispatcher: Agent;
beforeEach(() => {
  dispatcher = pdDispatcher();
});
afterEach(() => dispatcher.destroy());

const client = (...servings: (Serving | string)[]) =>
  new PdClient(
    servings.map((serving) => (typeof serving === "string" ? { url: serving } : serving)),
    dispatcher,
  );
const inTime = () => AbortSignal.timeout(5_000);
const says = (status: number, body: string) => serve((_, response) => response.writeHead(status).end(body));
const isSilent = () => serve(() => {});

async function errorOf(promise: Promise<unknown>): Promise<PdError> {
  const error: unknown = await promise.then(
    (value) => new Error(`it answered ${JSON.stringify(value)}`),
    (error: unknown) => error,
  );
  if (error instanceof PdError) return error;
  throw error;
}

/** Where nobody listens. */
async function nobody(): Promise<string> {
  const serving = await isSilent();
  await serving[Symbol.asyncDispose]();
  return serving.url;
}

test("an id past 2^53 keeps all of its digits", async () => {
  await using pd = await serveRecorded([recorded("50-pd-v8.5.5/cluster")]);
  expect(await client(pd).get(path, Cluster, inTime())).toEqual({ id: "7710507798358260623" });
});

test.each([
  {
    recording: "01-pd-api-fake-stores/store-abc",
    status: 400,
    code: "HTTP_400",
    words: 'strconv.ParseUint: parsing "abc"',
  },
  {
    recording: "50-pd-v8.5.5/write-store-unknown",
    status: 404,
    code: "ErrStoreNotFound",
    words: "store 999 not found",
  },
  {
    recording: "00-pd-not-bootstrapped/stores",
    status: 500,
    code: "ErrNotBootstrapped",
    words: "please start TiKV first",
  },
])("$recording is the error $code, in PD's words", async ({ recording, status, code, words }) => {
  const answer = recorded(recording);
  await using pd = await serveRecorded([answer]);
  const error = await errorOf(client(pd).get(answer.path, z.unknown(), inTime()));
  expect(error).toMatchObject({ code, status, endpoint: pd.url, isUnknown: false });
  expect(error.message).toContain(words);
});

test("plain text is an error as well", async () => {
  await using pd = await says(500, "[PD:apiutil:ErrRedirect]redirect failed\n");
  expect(await errorOf(client(pd).get(path, Cluster, inTime()))).toMatchObject({ code: "ErrRedirect", status: 500 });
});

test.each([
  { name: "refuses connections", first: nobody },
  { name: "accepts and is silent", first: isSilent },
  { name: "has no way to the leader", first: () => says(500, "[PD:apiutil:ErrRedirect]redirect failed") },
  { name: "knows no leader", first: () => says(503, "[PD:apiutil:ErrRedirectNoLeader]no leader") },
  { name: "is just starting", first: () => says(500, "[PD:server:ErrServerNotStarted]server not started") },
])("when the first member $name, the next one is asked, and the next time it's asked first", async ({ first }) => {
  const before = await first();
  await using pd = await serveRecorded([recorded("50-pd-v8.5.5/cluster")]);
  const both = client(before, pd);
  expect(await both.get(path, Cluster, inTime())).toMatchObject({ id: "7710507798358260623" });
  expect(await both.get(path, Cluster, inTime())).toMatchObject({ id: "7710507798358260623" });
  if (typeof before === "string") return;
  expect(before.asked.length).toBe(1);
  await before[Symbol.asyncDispose]();
});

test("what PD says of the cluster no other member is asked again", async () => {
  await using first = await serveRecorded([recorded("00-pd-not-bootstrapped/stores")]);
  await using second = await serveRecorded([]);
  const error = await errorOf(client(first, second).get("/pd/api/v1/stores", z.unknown(), inTime()));
  expect(error.code).toBe("ErrNotBootstrapped");
  expect(second.asked).toEqual([]);
});

test("when no member can say, the error is in PD's words, not that of the one that wasn't reached", async () => {
  await using pd = await says(500, "[PD:apiutil:ErrRedirect]redirect failed");
  const error = await errorOf(client(pd, await nobody()).get(path, Cluster, inTime()));
  expect(error).toMatchObject({ code: "ErrRedirect", endpoint: pd.url });
});

test("a read ends with its signal, whoever is silent", async () => {
  await using first = await isSilent();
  await using second = await isSilent();
  const startedMs = performance.now();
  expect(await errorOf(client(first, second).get(path, Cluster, AbortSignal.timeout(100)))).toMatchObject({
    code: "TIMEOUT",
  });
  expect(performance.now() - startedMs).toBeLessThan(350);
});

test("an answer that isn't what was asked for is an error that says where", async () => {
  await using odd = await says(200, '{"id": "seven"}');
  const error = await errorOf(client(odd).get(path, Cluster, inTime()));
  expect(error.code).toBe("PD_ANSWER");
  expect(error.message).toContain("id");
  await using torn = await says(200, '{"id": 7');
  expect(await errorOf(client(torn).get(path, Cluster, inTime()))).toMatchObject({ code: "PD_ANSWER" });
});

test("one member is asked alone", async () => {
  await using pd = await serveRecorded([recorded("50-pd-v8.5.5/cluster")]);
  const gone = await nobody();
  expect(await errorOf(client(gone, pd).ask(gone, path, Cluster, inTime()))).toMatchObject({ code: "ECONNREFUSED" });
  expect(pd.asked).toEqual([]);
});

test("members that PD lists are asked as well, each once, no more than sixteen", async () => {
  await using pd = await serveRecorded([recorded("50-pd-v8.5.5/cluster")]);
  const gone = await nobody();
  const learning = client(gone);
  learning.learn([gone, "unix:///tmp/pd", pd.url, pd.url]);
  expect(await learning.get(path, Cluster, inTime())).toMatchObject({ id: "7710507798358260623" });
  const full = client(...Array.from({ length: 16 }, () => gone).map((url, at) => url.replace(/\d+$/, String(at + 1))));
  full.learn([pd.url]);
  expect(await errorOf(full.get(path, Cluster, inTime()))).toMatchObject({ code: "ECONNREFUSED" });
});

test("an answer of sixteen megabytes is read, a longer one isn't", async () => {
  const lengthMax = 16_777_216;
  const answerOf = (length: number) => `{"id":1,"x":"${"x".repeat(length - '{"id":1,"x":""}'.length)}"}`;
  const read = async (length: number) => {
    await using pd = await says(200, answerOf(length));
    return await client(pd).ask(pd.url, path, Cluster, AbortSignal.timeout(30_000));
  };
  expect(await read(lengthMax)).toEqual({ id: "1" });
  expect(await errorOf(read(lengthMax + 1))).toMatchObject({ code: "UND_ERR_RES_EXCEEDED_MAX_SIZE" });
});

const post = (pd: PdClient, body?: string, signal = inTime()) =>
  pd.send("POST", "/pd/api/v1/config", body, { callerId: "operator/test", signal });

test("a change names its caller and sends ids as they are", async () => {
  await using pd = await serveRecorded([{ ...recorded("50-pd-v8.5.5/write-config") }]);
  const body = exactJson({ region_id: 18_446_744_073_709_551_615n, keys: ['7A"', 1n], name: "split-region" });
  expect(await post(client(pd), body)).toBe("The config is updated.");
  expect(pd.asked).toMatchObject([
    {
      method: "POST",
      path: "/pd/api/v1/config",
      body: '{"region_id":18446744073709551615,"keys":["7A\\"",1],"name":"split-region"}',
      headers: { "x-caller-id": "operator/test", "content-type": "application/json" },
    },
  ]);
});

test("a change that PD refuses is an error in its words", async () => {
  await using pd = await serveRecorded([recorded("50-pd-v8.5.5/write-config-unknown")]);
  expect(await errorOf(post(client(pd), '{"foo":1}'))).toMatchObject({ code: "HTTP_400", isUnknown: false });
});

test.each([
  { name: "refuses connections", first: nobody },
  { name: "knows no leader", first: () => says(503, "[PD:apiutil:ErrRedirectNoLeader]no leader") },
])("a change goes to the next member when the first $name", async ({ first }) => {
  const before = await first();
  await using pd = await serveRecorded([recorded("50-pd-v8.5.5/write-config")]);
  expect(await post(client(before, pd))).toBe("The config is updated.");
  if (typeof before !== "string") await before[Symbol.asyncDispose]();
});

test.each([
  { name: "breaks on its way to the leader", first: () => says(500, "[PD:apiutil:ErrRedirect]redirect failed") },
  { name: "closes without an answer", first: () => serve((request) => request.socket.destroy()) },
  { name: "is silent", first: isSilent },
])("a change that $name isn't repeated, and nobody knows whether it was made", async ({ first }) => {
  await using before = await first();
  await using pd = await serveRecorded([recorded("50-pd-v8.5.5/write-config")]);
  expect(await errorOf(post(client(before, pd), "{}", AbortSignal.timeout(700)))).toMatchObject({ isUnknown: true });
  expect(pd.asked).toEqual([]);
});
