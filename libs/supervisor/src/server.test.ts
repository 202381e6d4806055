import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, statSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { chaosClient } from "./client.ts";
import { superviseMembers } from "./members.fixture.ts";
import { Supervisor } from "./server.ts";

const order = JSON.stringify({ fault: "f1", forMs: 60_000 });

test("the actuator's socket lists and starts, and refuses every other verb", async () => {
  await using given = await superviseMembers();
  const { actuator, chaos } = given.supervisor.sockets;
  expect(await send(actuator, "GET", "/members")).toMatchObject({ status: 200, body: { members: [{}, {}] } });
  expect(await send(actuator, "POST", "/members/member-a/start")).toEqual({ status: 200, body: { already: true } });
  await send(chaos, "POST", "/members/member-a/pause", JSON.stringify({ fault: "p1", forMs: 60_000 }));
  for (const [path, body] of [
    ["/members/member-b/kill", order],
    ["/members/member-b/pause", order],
    ["/members/member-a/unpause", ""],
    ["/members/member-b/stop", ""],
    ["/members/member-b/disconnect", order],
    ["/members/member-b/connect", ""],
    ["/faults/p1/revert", ""],
    // A body that isn't even read.
    ["/members/member-b/kill", "{"],
    ["/members/nobody/kill", order],
  ] as const) {
    expect(await send(actuator, "POST", path, body), path).toMatchObject({
      status: 403,
      body: { refused: { code: "VERB_FORBIDDEN", message: expect.stringContaining("list and start, not") } },
    });
  }
  expect((await given.chaos.list()).map(({ state }) => state)).toEqual(["paused", "running"]);
});

test.for([
  { path: "/members/../members/member-a/kill", code: "PATH_UNKNOWN" },
  { path: "/members/./member-a/kill", code: "PATH_UNKNOWN" },
  { path: "/members//member-a/kill", code: "PATH_UNKNOWN" },
  { path: "//members/member-a/kill", code: "PATH_UNKNOWN" },
  { path: "/members/member-b/../member-a/kill", code: "PATH_UNKNOWN" },
  { path: "/members/member-a/start/../kill", code: "PATH_UNKNOWN" },
  { path: "/members/member-a%2Fkill", code: "PATH_UNKNOWN" },
  { path: "/members/member-a%2fkill/pause", code: "TARGET_UNKNOWN" },
  { path: "/members/member-a/start%2F..%2Fkill", code: "PATH_UNKNOWN" },
  { path: "/members/member-a/%6Bill", code: "PATH_UNKNOWN" },
  { path: "/members/member-a/kill/", code: "PATH_UNKNOWN" },
  { path: "/members/member-a/kill?as=start", code: "PATH_UNKNOWN" },
  { path: "/members/member-a/KILL", code: "PATH_UNKNOWN" },
  { path: "/members/member-a/start#/kill", code: "PATH_UNKNOWN" },
  { path: "/members/member-a;x/kill", code: "TARGET_UNKNOWN" },
  { path: "/members/member%252da/kill", code: "TARGET_UNKNOWN" },
  { path: "/members/%6dember-a%00/kill", code: "TARGET_UNKNOWN" },
  { path: "/members/../kill", code: "TARGET_UNKNOWN" },
  { path: "/members/%2e%2e/kill", code: "TARGET_UNKNOWN" },
  { path: "/members/%zz/kill", code: "BAD_PATH" },
  { path: "/members/__proto__/kill", code: "TARGET_UNKNOWN" },
  { path: "/faults/..%2fmembers%2fmember-a%2fkill/revert", code: "BAD_BODY" },
  { path: "http://supervisor/members/member-a/kill", code: "PATH_UNKNOWN" },
  { path: "/", code: "PATH_UNKNOWN" },
])("$path kills nothing, on either socket", async ({ path, code }) => {
  await using given = await superviseMembers({ targets: ["member-a"] });
  const { chaos, actuator } = given.supervisor.sockets;
  expect(codeOf((await send(chaos, "POST", path, order)).body)).toBe(code);
  const isNoRoute = code === "PATH_UNKNOWN" || code === "BAD_PATH";
  expect(codeOf((await send(actuator, "POST", path, order)).body)).toBe(isNoRoute ? code : "VERB_FORBIDDEN");
  expect(await given.chaos.list()).toEqual([{ target: "member-a", kind: "example", state: "running" }]);
});

test("the verb is in the path, and no other method or header changes it", async () => {
  await using given = await superviseMembers({ targets: ["member-a"] });
  for (const method of ["GET", "PUT", "DELETE", "PATCH", "HEAD"])
    expect((await send(given.supervisor.sockets.chaos, method, "/members/member-a/kill", order)).status).toBe(404);
  const header = "x-http-method-override: POST\r\nx-original-url: /members/member-a/kill\r\n";
  expect((await send(given.supervisor.sockets.actuator, "GET", "/members", "", header)).status).toBe(200);
  expect((await given.chaos.list())[0]?.state).toBe("running");
});

test("an unknown target is quoted, beside those that there are; one whose name needs encoding is found", async () => {
  await using given = await superviseMembers({ targets: ["member-a", "rack 1/member b"] });
  for (const verb of ["unpause", "stop", "start"] as const) {
    await expect(given.chaos[verb]("nobody")).rejects.toMatchObject({
      code: "TARGET_UNKNOWN",
      message: 'there is no target "nobody": there are member-a, rack 1/member b',
    });
  }
  await expect(given.actuator.start("..")).rejects.toMatchObject({ code: "TARGET_UNKNOWN" });
  expect(await given.chaos.stop("rack 1/member b")).toEqual({ already: false });
  expect((await given.chaos.list()).map(({ state }) => state)).toEqual(["running", "stopped"]);
});

test.for([
  { verb: "disconnect", body: "", code: "BAD_JSON" },
  { verb: "disconnect", body: order, code: "BAD_BODY" },
  { verb: "disconnect", body: '{"fault":"f1","forMs":60000,"network":""}', code: "BAD_BODY" },
  { verb: "disconnect", body: '{"fault":"f1","forMs":60000,"network":"backend","force":true}', code: "BAD_BODY" },
  { verb: "connect", body: "", code: "BAD_JSON" },
  { verb: "connect", body: "{}", code: "BAD_BODY" },
  { verb: "connect", body: '{"network":["backend"]}', code: "BAD_BODY" },
])("a $verb with the body $body is refused: $code", async ({ verb, body, code }) => {
  await using given = await superviseMembers({ targets: ["member-a"] });
  const answer = await send(given.supervisor.sockets.chaos, "POST", `/members/member-a/${verb}`, body);
  expect(codeOf(answer.body)).toBe(code);
});

test.for([
  { body: "", code: "BAD_JSON" },
  { body: "{", code: "BAD_JSON" },
  { body: "[]", code: "BAD_BODY" },
  { body: "null", code: "BAD_BODY" },
  { body: '{"fault":"f1"}', code: "BAD_BODY" },
  { body: '{"forMs":60000}', code: "BAD_BODY" },
  { body: '{"fault":"a b","forMs":60000}', code: "BAD_BODY" },
  { body: '{"fault":"f1","forMs":"60000"}', code: "BAD_BODY" },
  { body: '{"fault":"f1","forMs":1e999}', code: "BAD_BODY" },
  { body: '{"fault":"f1","forMs":60000,"target":"member-b"}', code: "BAD_BODY" },
  { body: '{"fault":"f1","forMs":0}', code: "BAD_TIME" },
  { body: `{"fault":"f1","forMs":60000}${" ".repeat(16 * 1024)}`, code: "TOO_LARGE" },
])("a kill with the body $body is refused: $code", async ({ body, code }) => {
  await using given = await superviseMembers({ targets: ["member-a"] });
  const answer = await send(given.supervisor.sockets.chaos, "POST", "/members/member-a/kill", body);
  expect(codeOf(answer.body)).toBe(code);
  expect((await given.chaos.list())[0]?.state).toBe("running");
});

test("a body of many small pieces is cut off at its limit, and verbs without a body accept none", async () => {
  await using given = await superviseMembers({ targets: ["member-a"] });
  const socket = connect(given.supervisor.sockets.chaos);
  socket.write("POST /members/member-a/kill HTTP/1.1\r\nhost: s\r\ntransfer-encoding: chunked\r\n\r\n");
  const answer = textOf(socket);
  let pieces = 0;
  while (!socket.destroyed && pieces < 100) {
    pieces += 1;
    await new Promise((done) => socket.write(`400\r\n${" ".repeat(1024)}\r\n`, done));
  }
  expect(await answer).toContain("TOO_LARGE");
  const stop = await send(given.supervisor.sockets.chaos, "POST", "/members/member-a/stop", order);
  expect(codeOf(stop.body)).toBe("BAD_BODY");
  expect((await given.chaos.list())[0]?.state).toBe("running");
});

test("the sockets are their owner's alone, and gone after the close", async () => {
  await using given = await superviseMembers({ targets: [] });
  const { sockets } = given.supervisor;
  for (const socket of Object.values(sockets)) expect(statSync(socket).mode & 0o777).toBe(0o600);
  expect(statSync(join(sockets.chaos, "..")).mode & 0o777).toBe(0o700);
  await given.supervisor.close();
  expect(Object.values(sockets).some((socket) => existsSync(socket))).toBe(false);
});

test("sockets in folders of their own are open to whoever reaches the folder, which is left as it is", async () => {
  await using given = await superviseMembers({ targets: [] });
  const sockets = { chaos: join(given.folder, "c", "chaos.sock"), actuator: join(given.folder, "a", "actuator.sock") };
  for (const socket of Object.values(sockets)) mkdirSync(join(socket, ".."), { mode: 0o755 });
  await using supervisor = await Supervisor.start({ driver: given.driver, sockets });
  expect(supervisor.sockets).toEqual(sockets);
  for (const socket of Object.values(sockets)) {
    expect(statSync(socket).mode & 0o777).toBe(0o666);
    expect(statSync(join(socket, "..")).mode & 0o777).toBe(0o755);
  }
  expect((await send(sockets.actuator, "POST", "/members/member-a/kill", order)).status).toBe(403);
});

test("a folder that isn't there is said, and neither socket is left", async () => {
  await using given = await superviseMembers({ targets: [] });
  const sockets = { chaos: join(given.folder, "chaos.sock"), actuator: join(given.folder, "nowhere", "actuator.sock") };
  await expect(Supervisor.start({ driver: given.driver, sockets })).rejects.toMatchObject({
    code: "BAD_FOLDER",
    message: expect.stringContaining(sockets.actuator),
  });
  expect(existsSync(sockets.chaos)).toBe(false);
});

test("a socket that a killed predecessor left is taken over; a living one isn't", async () => {
  await using given = await superviseMembers({ targets: [] });
  const { driver } = given;
  const folder = await mkdtemp(join(tmpdir(), "operator-sockets-"));
  try {
    const listen = `require("node:net").createServer().listen(process.argv[1], () => process.kill(process.pid, "SIGKILL"))`;
    expect(() => execFileSync(process.execPath, ["-e", listen, join(folder, "chaos.sock")])).toThrow();
    expect(existsSync(join(folder, "chaos.sock"))).toBe(true);
    await using supervisor = await Supervisor.start({ driver, folder });
    await expect(Supervisor.start({ driver, folder })).rejects.toMatchObject({ code: "SUPERVISOR_RUNNING" });
    await using chaos = chaosClient(supervisor.sockets.chaos);
    expect(await chaos.list()).toEqual([]);
  } finally {
    await rm(folder, { recursive: true });
  }
});

test("a folder whose path is too long for a socket is refused", async () => {
  await using given = await superviseMembers({ targets: [] });
  await expect(
    Supervisor.start({ driver: given.driver, folder: join(given.folder, "x".repeat(100)) }),
  ).rejects.toMatchObject({ code: "BAD_FOLDER" });
});

/** Sends the path as it is: clients resolve what servers must not trust them to. */
async function send(
  socketPath: string,
  method: string,
  path: string,
  body = "",
  headers = "",
): Promise<{ status: number; body: unknown }> {
  const socket = connect(socketPath);
  const length = Buffer.byteLength(body);
  socket.write(
    `${method} ${path} HTTP/1.1\r\nhost: supervisor\r\nconnection: close\r\ncontent-length: ${length}\r\n${headers}\r\n${body}`,
  );
  const [head = "", ...rest] = (await textOf(socket)).split("\r\n\r\n");
  const text = rest.join("\r\n\r\n");
  const json = /\{.*\}/s.exec(text)?.[0];
  return {
    status: Number(/^HTTP\/1\.1 (\d+)/.exec(head)?.[1]),
    body: json === undefined ? undefined : JSON.parse(json),
  };
}

async function textOf(socket: ReturnType<typeof connect>): Promise<string> {
  let text = "";
  socket.on("data", (chunk) => (text += chunk.toString()));
  // What can't be written any more is no matter: the answer is.
  socket.on("error", () => {});
  await new Promise((closed) => socket.once("close", closed));
  return text;
}

function codeOf(body: unknown): unknown {
  return body !== null && typeof body === "object" && "refused" in body && body.refused !== null
    ? Object.entries(body.refused ?? {}).find(([name]) => name === "code")?.[1]
    : undefined;
}
