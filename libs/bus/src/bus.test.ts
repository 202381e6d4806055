import { setTimeout as sleep } from "node:timers/promises";
import { flow } from "@operator/contracts/flow";
import { InstanceName } from "@operator/contracts/names";
import { type NatsServer, startNats, startProvisionedNats } from "@operator/stack/nats-server";
import { afterAll, beforeAll, expect, test } from "vitest";
import { connectAs, connectRaw, jobOf, snapshotOf, until, violationOf } from "./bus.fixture.ts";
import { Bus } from "./bus.ts";
import type { BusCounters } from "./bus-log.ts";
import { provision } from "./provision.ts";

let server: NatsServer;
beforeAll(async () => {
  server = await startProvisionedNats();
}, 30_000);
afterAll(() => server.stop());

test("a message sent twice is stored once", async () => {
  await using checker = await connectAs(server, "checker");
  const message = violationOf("twice", "a", 1);
  const first = await checker.publish(flow.violation, message);
  expect(first.stored).toBe("new");
  expect(await checker.publish(flow.violation, message)).toEqual({ sequence: first.sequence, stored: "repeat" });
  expect(await checker.publish(flow.violation, violationOf("twice", "a", 2))).toMatchObject({ stored: "new" });
});

test("where an address holds one message, the first one stays, also behind the time of remembered ids", async () => {
  await using ticketer = await connectAs(server, "ticketer");
  await using admin = await connectAs(server, "provision");
  const job = jobOf("one-per-address");
  expect(await ticketer.publish(flow.job, job)).toMatchObject({ stored: "new" });
  // Another id at the same address: as the same message after two minutes.
  const late = { ...flow.job, id: () => "another id" };
  expect(await ticketer.publish(late, { ...job, why: "changed" })).toEqual({ sequence: 0, stored: "repeat" });
  expect((await admin.streamState("JOBS")).messages).toBe(1);
});

test("the newest message of an address is read back, checked", async () => {
  await using checker = await connectAs(server, "checker");
  await using cli = await connectAs(server, "cli");
  const address = "operator.violation.newest.node_down.a";
  expect(await cli.last(flow.violation, address)).toBeUndefined();
  for (const asOf of [1, 2]) await checker.publish(flow.violation, violationOf("newest", "a", asOf));
  expect(await cli.last(flow.violation, address)).toMatchObject({
    message: { asOf: 2 },
    address,
    id: "newest.node_down.a:firing:2",
    storedAtMs: expect.any(Number),
    traceparent: expect.stringMatching(/^00-/),
  });
  await using admin = await connectRaw(server, "provision");
  await admin.request(address, "not JSON");
  await expect(cli.last(flow.violation, address)).rejects.toMatchObject({ code: "BAD_TYPE" });
});

test("what a user may not send is an error at once that says so", async () => {
  await using diagnoser = await connectAs(server, "diagnoser");
  const started = performance.now();
  await expect(diagnoser.publish(flow.violation, violationOf("s", "a", 1))).rejects.toMatchObject({
    code: "BUS_FORBIDDEN",
    message: expect.stringContaining("operator.violation.s.node_down.a"),
  });
  expect(performance.now() - started).toBeLessThan(5_000);
});

test("a wrong password is refused at once", async () => {
  const passwords = { ...server.passwords, checker: "wrong" };
  await expect(connectAs({ url: server.url, passwords }, "checker")).rejects.toMatchObject({
    code: "BUS_REFUSED",
    message: expect.stringContaining(`"checker"`),
  });
});

test("connect waits for a bus that is away, until it's told to stop", { timeout: 30_000 }, async () => {
  const port = server.port + 1 > 65_000 ? server.port - 1 : server.port + 1;
  const words: string[] = [];
  const coming = connectAs({ url: `nats://127.0.0.1:${port}`, passwords: server.passwords }, "checker", {
    log: ({ msg }) => words.push(msg),
  });
  await until(() => words.includes("bus is away, waiting"));
  await using late = await startNats({ port, passwords: server.passwords });
  await using bus = await coming;
  expect(bus.connected()).toBe(true);
  expect(late.port).toBe(port);
});

test("a stop ends the wait for a bus that is away", async () => {
  const stop = new AbortController();
  const coming = Bus.connect(
    { servers: "nats://127.0.0.1:1", user: "checker", password: "x", instance: InstanceName.parse("checker-1") },
    stop.signal,
  );
  await sleep(20);
  stop.abort(new Error("enough"));
  await expect(coming).rejects.toThrow(/enough|aborted/);
});

test("publish gives up at its deadline and says what it tried", { timeout: 30_000 }, async () => {
  await using own = await startProvisionedNats();
  await using checker = await connectAs(own, "checker");
  await own.kill();
  await until(() => !checker.connected());
  await expect(checker.publish(flow.violation, violationOf("s", "a", 1), { deadlineMs: 300 })).rejects.toMatchObject({
    code: "BUS_AWAY",
    message: expect.stringMatching(/s\.node_down\.a:firing:1.*300 ms/),
  });
});

test("publish gives up when its signal fires", { timeout: 30_000 }, async () => {
  await using own = await startProvisionedNats();
  await using checker = await connectAs(own, "checker");
  await own.kill();
  await until(() => !checker.connected());
  const sending = checker.publish(flow.violation, violationOf("s", "a", 1), { signal: AbortSignal.timeout(100) });
  await expect(sending).rejects.toThrow(/abort|timeout/i);
});

test("a stream that isn't there is waited for: another instance may be provisioning", { timeout: 30_000 }, async () => {
  await using own = await startNats();
  await using checker = await connectAs(own, "checker");
  const sending = checker.publish(flow.violation, violationOf("s", "a", 1));
  await using admin = await connectAs(own, "provision");
  await sleep(100);
  await provision(admin);
  expect(await sending).toEqual({ sequence: 1, stored: "new" });
});

test("after close nothing is sent, and the error says why", async () => {
  const checker = await connectAs(server, "checker");
  await checker.close();
  await checker.close();
  expect(checker.connected()).toBe(false);
  await expect(checker.publish(flow.violation, violationOf("s", "a", 1))).rejects.toMatchObject({ code: "BUS_CLOSED" });
});

test("close ends in time, also when the bus doesn't answer", { timeout: 30_000 }, async () => {
  await using own = await startProvisionedNats();
  const checker = await connectAs(own, "checker");
  await own.kill("SIGSTOP");
  const lost = checker.publish(flow.violation, violationOf("s", "a", 1)).catch((error: unknown) => error);
  await checker.close();
  expect(await lost).toMatchObject({ code: "BUS_CLOSED" });
  expect(await checker.closed()).toBeUndefined();
  await own.kill("SIGCONT");
});

test("a password that was changed under a connection closes it, with the reason", { timeout: 30_000 }, async () => {
  const own = await startProvisionedNats();
  await using checker = await connectAs(own, "checker");
  await own.stop();
  await using changed = await startNats({ port: own.port });
  expect(String(await checker.closed())).toMatch(/authorization/i);
  expect(changed.passwords.checker).not.toBe(own.passwords.checker);
});

test("what is sent is counted by channel", async () => {
  const counted: string[] = [];
  const counters: BusCounters = { sent: (channel, stored) => counted.push(`${channel} ${stored}`) };
  await using observer = await connectAs(server, "observer", { counters });
  for (const n of [1, 1]) await observer.publish(flow.snapshot, snapshotOf("counted", n));
  expect(counted).toEqual(["snapshot new", "snapshot repeat"]);
});
