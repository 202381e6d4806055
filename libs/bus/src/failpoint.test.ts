import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type NatsServer, startProvisionedNats } from "@operator/stack/nats-server";
import { afterEach, beforeEach, expect, test } from "vitest";
import { connectAs } from "./bus.fixture.ts";

let server: NatsServer;
let folder: string;
beforeEach(async () => {
  server = await startProvisionedNats();
  folder = await mkdtemp(join(tmpdir(), "operator-failpoint-"));
}, 30_000);
afterEach(async () => {
  await server.stop();
  await rm(folder, { recursive: true });
});

async function run(failpoint?: string) {
  const logFile = join(folder, `log-${failpoint ?? "all"}`);
  const place = JSON.stringify({ url: server.url, passwords: server.passwords });
  const child = spawn(process.execPath, [join(import.meta.dirname, "failpoint.fixture.ts"), place], {
    env: {
      PATH: process.env["PATH"],
      OPERATOR_FAILPOINT_LOG: logFile,
      ...(failpoint === undefined ? {} : { OPERATOR_FAILPOINT: failpoint }),
    },
    stdio: "inherit",
  });
  await once(child, "exit");
  return { signal: child.signalCode, lines: (await readFile(logFile, "utf8")).trim().split("\n") };
}

const writes = [
  "publish:violation#1",
  "publish:violation#2",
  "kv.checks:create#1",
  "kv.checks:update#1",
  "kv.checks:delete#1",
  "publish:job#1",
  "ack:job#1",
];

test("every write is listed before and after it is done", { timeout: 30_000 }, async () => {
  const { signal, lines } = await run();
  expect(signal).toBeNull();
  expect(lines).toEqual(writes.flatMap((write) => [`before ${write}`, `after ${write}`]));
});

test("a process can be killed just before a write, which then isn't done", { timeout: 30_000 }, async () => {
  const { signal, lines } = await run("before publish:violation#2");
  expect(signal).toBe("SIGKILL");
  expect(lines.at(-1)).toBe("before publish:violation#2");
  expect(await stored("VIOLATIONS")).toBe(1);
});

test("and just after it, when it is done", { timeout: 30_000 }, async () => {
  const { signal } = await run("after kv.checks:create#1");
  expect(signal).toBe("SIGKILL");
  expect(await stored("VIOLATIONS")).toBe(2);
  await using admin = await connectAs(server, "provision");
  expect((await admin.link.api.streams.info("KV_checks")).state.messages).toBe(1);
});

async function stored(stream: "VIOLATIONS"): Promise<number> {
  await using admin = await connectAs(server, "provision");
  return (await admin.streamState(stream)).messages;
}
