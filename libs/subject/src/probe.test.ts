import { once } from "node:events";
import { createServer as createHttpServer } from "node:http";
import { createServer, type Socket } from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import type { Asker } from "./probe.ts";
import { failureOf } from "./probe-failure.ts";
import { httpAsker } from "./probe-http.ts";
import { redisAsker } from "./probe-redis.ts";
import { type Answering, freePort, httpScript, startNode, startRedis, until } from "./probe.fixture.ts";

const timeoutMs = 500;
const askers: Asker[] = [];
afterEach(() => {
  for (const asker of askers.splice(0)) asker.close();
});

const kinds: { name: string; start: () => Promise<Answering>; asker: (port: number) => Asker }[] = [
  {
    name: "HTTP",
    start: () => startNode(httpScript),
    asker: (port) => httpAsker(`http://127.0.0.1:${port}/livez`),
  },
  { name: "Redis", start: () => startRedis(), asker: (port) => redisAsker("127.0.0.1", port) },
];

describe.each(kinds)("$name", ({ start, asker }) => {
  function open(port: number): { asker: Asker; closes: () => number } {
    const opened = asker(port);
    let closes = 0;
    opened.onClose(() => (closes += 1));
    askers.push(opened);
    return { asker: opened, closes: () => closes };
  }

  test("a living process answers, again and again, and nothing looks like a close", async () => {
    await using target = await start();
    const { asker, closes } = open(target.port);
    for (let n = 0; n < 5; n += 1) expect((await asker.ask(timeoutMs)).kind).toBe("answered");
    expect(closes()).toBe(0);
  });

  test("a killed process is a close at once, then refused", async () => {
    await using target = await start();
    const { asker, closes } = open(target.port);
    await asker.ask(timeoutMs);
    await target.kill();
    await until("the close is heard", () => closes() > 0);
    expect(await asker.ask(timeoutMs)).toEqual({ kind: "refused", code: "ECONNREFUSED" });
  });

  test("a paused process is a timeout, no close, and answers again when it goes on", async () => {
    await using target = await start();
    const { asker, closes } = open(target.port);
    await asker.ask(timeoutMs);
    target.signal("SIGSTOP");
    const overlapping = await Promise.all([asker.ask(timeoutMs), asker.ask(timeoutMs)]);
    expect(overlapping).toEqual([
      { kind: "timeout", closed: false },
      { kind: "timeout", closed: false },
    ]);
    target.signal("SIGCONT");
    await until("it answers", async () => (await asker.ask(timeoutMs)).kind === "answered");
    expect(closes()).toBe(0);
  });

  test("a pause longer than a connection is given ends with an answer as well", async () => {
    await using target = await start();
    const { asker, closes } = open(target.port);
    await asker.ask(timeoutMs);
    target.signal("SIGSTOP");
    for (let n = 0; n < 6; n += 1) expect((await asker.ask(timeoutMs)).kind).toBe("timeout");
    target.signal("SIGCONT");
    await until("it answers", async () => (await asker.ask(timeoutMs)).kind === "answered");
    expect(closes()).toBe(0);
  });

  test("nobody there is refused", async () => {
    const { asker, closes } = open(await freePort());
    expect(await asker.ask(timeoutMs)).toEqual({ kind: "refused", code: "ECONNREFUSED" });
    // What never opened didn't close: a hint would ask again at once, without end.
    expect(closes()).toBe(0);
  });

  test("a process that drops every connection is reset", async () => {
    await using target = await startNode(
      `require("node:net").createServer((s) => s.resetAndDestroy()).listen(port, "127.0.0.1")`,
    );
    const { asker } = open(target.port);
    expect((await asker.ask(timeoutMs)).kind).toBe("reset");
  });

  test("a process that speaks something else is reset, not an answer", async () => {
    await using target = await startNode(
      `require("node:net").createServer((s) => { s.on("error", () => {}); s.write("SSH-2.0-x\\r\\n"); }).listen(port, "127.0.0.1")`,
    );
    const { asker } = open(target.port);
    expect((await asker.ask(timeoutMs)).kind).toBe("reset");
  });

  test("after a close nothing hears of the target again", async () => {
    await using target = await start();
    const { asker, closes } = open(target.port);
    await asker.ask(timeoutMs);
    asker.close();
    expect((await asker.ask(timeoutMs)).kind).toBe("ours");
    await target.kill();
    expect(closes()).toBe(0);
  });
});

test("a Redis that wants a password answers", async () => {
  await using redis = await startRedis(["--requirepass", "secret"]);
  const asker = redisAsker("127.0.0.1", redis.port);
  askers.push(asker);
  expect((await asker.ask(timeoutMs)).kind).toBe("answered");
});

test("a connection that has gone deaf is given up for another one after a while", async () => {
  // The first connection that asks gets one answer, each later one all.
  await using target = await startNode(
    `let asked = 0;
    require("node:net").createServer((s) => {
      let answers;
      s.on("error", () => {}).on("data", () => {
        answers ??= asked++ === 0 ? 1 : Infinity;
        if (answers-- > 0) s.write("+PONG\\r\\n");
      });
    }).listen(port, "127.0.0.1")`,
  );
  const asker = redisAsker("127.0.0.1", target.port);
  askers.push(asker);
  expect((await asker.ask(timeoutMs)).kind).toBe("answered");
  expect((await asker.ask(timeoutMs)).kind).toBe("timeout");
  await until("it answers", async () => (await asker.ask(timeoutMs)).kind === "answered");
});

test("a Redis whose line never ends is no Redis, and isn't listened to for ever", async () => {
  // Its line is longer than any reply to a PING, and never whole; that it's heard no more is seen by the connection's end.
  const ended: boolean[] = [];
  const server = createServer((socket) => {
    socket
      .on("error", () => {})
      .on("close", () => ended.push(true))
      .resume();
    socket.write(`+${"x".repeat(5_000)}`);
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port was given");
  const asker = redisAsker("127.0.0.1", address.port);
  askers.push(asker);
  expect(await asker.ask(5_000)).toEqual({ kind: "reset", code: expect.any(String) });
  await until("its connection is given up", () => ended.length === 1);
  server.close();
});

test("any HTTP status is an answer, a body without an end too", async () => {
  await using target = await startNode(
    `require("node:http").createServer((_, r) => { r.statusCode = 503; r.flushHeaders(); r.write("."); }).listen(port, "127.0.0.1")`,
  );
  const asker = httpAsker(`http://127.0.0.1:${target.port}/livez`);
  askers.push(asker);
  expect((await asker.ask(timeoutMs)).kind).toBe("answered");
  expect((await asker.ask(timeoutMs)).kind).toBe("answered");
});

test.each([
  ["a body of 64 KiB is read, and its connection asked again", { "content-length": 65_536 }, 65_536, true],
  ["a larger body costs its connection, which is no hint", { "content-length": 65_537 }, 65_537, false],
  ["a larger body that doesn't say how long it is as well", { "transfer-encoding": "chunked" }, 65_537, false],
])("%s", async (_, headers, bytes, isAskedAgain) => {
  const questions = new Map<Socket, number>();
  let answers = 0;
  const server = createHttpServer(({ socket }, response) => {
    questions.set(socket, (questions.get(socket) ?? 0) + 1);
    response
      .on("close", () => (answers += 1))
      .writeHead(200, headers)
      .end("x".repeat(bytes));
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port was given");
  const asker = httpAsker(`http://127.0.0.1:${address.port}/livez`);
  askers.push(asker);
  let closes = 0;
  asker.onClose(() => (closes += 1));
  for (let asked = 1; asked <= 10; asked += 1) {
    expect((await asker.ask(5_000)).kind).toBe("answered");
    await until("the answer has ended", () => answers === asked);
  }
  expect([...questions.values()].some((count) => count > 1)).toBe(isAskedAgain);
  expect(closes).toBe(0);
  server.close();
});

test("a question that overlaps a slow one has its whole time", async () => {
  await using target = await startNode(
    `require("node:http").createServer((_, r) => setTimeout(() => r.end("ok"), 700)).listen(port, "127.0.0.1")`,
  );
  const asker = httpAsker(`http://127.0.0.1:${target.port}/livez`);
  askers.push(asker);
  const outcomes = await Promise.all([asker.ask(1_200), asker.ask(1_200)]);
  expect(outcomes.map(({ kind }) => kind)).toEqual(["answered", "answered"]);
});

test("a server that ends each connection after its answer is no hint", async () => {
  await using target = await startNode(
    `require("node:http").createServer((_, r) => { r.setHeader("connection", "close"); r.end("ok"); }).listen(port, "127.0.0.1")`,
  );
  const asker = httpAsker(`http://127.0.0.1:${target.port}/livez`);
  askers.push(asker);
  let closes = 0;
  asker.onClose(() => (closes += 1));
  for (let n = 0; n < 3; n += 1) expect((await asker.ask(timeoutMs)).kind).toBe("answered");
  expect(closes).toBe(0);
});

describe("what an error says of the target", () => {
  test.each([
    ["ECONNREFUSED", { kind: "refused", code: "ECONNREFUSED" }],
    ["ECONNRESET", { kind: "reset", code: "ECONNRESET" }],
    ["EPIPE", { kind: "reset", code: "EPIPE" }],
    ["EHOSTUNREACH", { kind: "timeout", closed: true }],
    ["ENOTFOUND", { kind: "timeout", closed: true }],
    ["EMFILE", { kind: "ours", code: "EMFILE" }],
    ["ENFILE", { kind: "ours", code: "ENFILE" }],
    ["EADDRNOTAVAIL", { kind: "ours", code: "EADDRNOTAVAIL" }],
    ["EACCES", { kind: "ours", code: "EACCES" }],
    ["ENOBUFS", { kind: "ours", code: "ENOBUFS" }],
    ["ENEWCODE", { kind: "ours", code: "ENEWCODE" }],
  ])("%s", (code, outcome) => {
    expect(failureOf(Object.assign(new Error(code), { code }), true)).toEqual(outcome);
  });

  test("an error without a code is ours", () => {
    expect(failureOf(new TypeError("x"), false)).toEqual({ kind: "ours", code: "TypeError" });
    expect(failureOf("x", false)).toEqual({ kind: "ours", code: "UNKNOWN" });
  });
});
