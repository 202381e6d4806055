import { setTimeout as sleep } from "node:timers/promises";
import { nanos } from "@nats-io/transport-node";
import { flow } from "@operator/contracts/flow";
import type { Job } from "@operator/contracts/job";
import { type NatsServer, startProvisionedNats } from "@operator/stack/nats-server";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { Bus } from "./bus.ts";
import { connectAs, connectRaw, jobOf, until } from "./bus.fixture.ts";
import { CuttingProxy } from "./cutting-proxy.fixture.ts";
import { Passing, Terminal } from "./failure.ts";
import { RewritingProxy } from "./rewriting-proxy.fixture.ts";
import { traceId } from "./trace.ts";
import { work, workInOrder, type WorkOptions } from "./work.ts";

let server: NatsServer;
let ticketer: Bus;
let diagnoser: Bus;
let admin: Bus;
let stop: AbortController;
let slots: Promise<void>[];

beforeEach(async () => {
  server = await startProvisionedNats();
  [ticketer, diagnoser, admin] = await Promise.all([
    connectAs(server, "ticketer"),
    connectAs(server, "diagnoser"),
    connectAs(server, "provision"),
  ]);
  stop = new AbortController();
  slots = [];
}, 30_000);
afterEach(async () => {
  stop.abort();
  await Promise.all(slots);
  await Promise.all([ticketer, diagnoser, admin].map((bus) => bus.close()));
  await server.stop();
});

const both = ["diagnoser-critical", "diagnoser-normal"] as const;
const targetOf = ({ ticket }: Job) => ticket.split(".")[2];

/** A slot in the background. */
function serve(options: Partial<WorkOptions<Job>>, bus = diagnoser) {
  const slot = workInOrder(bus, both, flow.job, {
    handle: async () => {},
    exhausted: async () => {},
    signal: stop.signal,
    ...options,
  });
  slots.push(slot);
  return { ended: slot };
}

async function left(): Promise<number> {
  return (await admin.streamState("JOBS")).messages;
}

test("a message that was handled is gone, and its handler ran in its trace", async () => {
  const traces: (string | undefined)[] = [];
  serve({
    handle: async (received) => {
      expect(received).toMatchObject({ message: { why: "first-seen" }, deliveries: 1, sequence: 1 });
      traces.push(received.traceparent?.split("-")[1], traceId());
    },
  });
  await ticketer.publish(flow.job, jobOf("a"));
  await until(async () => traces.length === 2 && (await left()) === 0);
  expect(traces[0]).toMatch(/^[0-9a-f]{32}$/);
  expect(traces[1]).toBe(traces[0]);
});

test("critical ones come first, and one at a time", async () => {
  for (const n of [1, 2, 3]) await ticketer.publish(flow.job, jobOf(`n${n}`, "warning"));
  for (const n of [1, 2, 3]) await ticketer.publish(flow.job, jobOf(`c${n}`, "critical"));
  const seen: (string | undefined)[] = [];
  let running = 0;
  serve({
    handle: async ({ message }) => {
      expect(++running).toBe(1);
      seen.push(targetOf(message));
      await sleep(5);
      running--;
    },
  });
  await until(() => seen.length === 6);
  expect(seen).toEqual(["c1", "c2", "c3", "n1", "n2", "n3"]);
});

test("an idle slot takes nothing ahead: what one is busy with, another isn't kept from", async () => {
  const seen: string[] = [];
  const busy = Promise.withResolvers<void>();
  const slot = (name: string) =>
    serve({
      handle: async () => {
        seen.push(name);
        await busy.promise;
      },
    });
  slot("first");
  await ticketer.publish(flow.job, jobOf("a"));
  await until(() => seen.length === 1);
  for (const target of ["b", "c"]) await ticketer.publish(flow.job, jobOf(target));
  slot("second");
  slot("third");
  await until(() => seen.length === 3);
  expect(new Set(seen)).toEqual(new Set(["first", "second", "third"]));
  busy.resolve();
  await until(async () => (await left()) === 0);
});

test("Passing: it comes again after the delay", async () => {
  const times: number[] = [];
  serve({
    handle: async () => {
      times.push(performance.now());
      if (times.length === 1) throw new Passing(300, "rate limited");
    },
  });
  await ticketer.publish(flow.job, jobOf("a"));
  await until(async () => times.length === 2 && (await left()) === 0);
  expect((times[1] ?? 0) - (times[0] ?? 0)).toBeGreaterThanOrEqual(290);
});

test("Passing for longer than a minute: it comes again after a minute at most", async () => {
  const delays: unknown[] = [];
  await using patient = await connectAs(server, "diagnoser", { log: ({ delayMs }) => delays.push(delayMs) });
  const handle = async () => {
    throw new Passing(86_400_000, "rate limited until tomorrow");
  };
  const slot = new AbortController();
  const { ended } = serve({ handle, signal: slot.signal }, patient);
  await ticketer.publish(flow.job, jobOf("a"));
  await until(() => delays.length > 0);
  slot.abort();
  await ended;
  expect(delays).toEqual([60_000]);
});

test("any other failure: it comes again, later", { timeout: 30_000 }, async () => {
  const deliveries: number[] = [];
  serve({
    handle: async (received) => {
      deliveries.push(received.deliveries);
      if (deliveries.length === 1) throw new Error("odd");
    },
  });
  await ticketer.publish(flow.job, jobOf("a"));
  await until(async () => deliveries.length === 2 && (await left()) === 0);
  expect(deliveries).toEqual([1, 2]);
});

test("Terminal: a dead letter with its code, and it's gone", async () => {
  serve({
    handle: async () => {
      throw new Terminal("NO_TICKET", "there is no such ticket");
    },
  });
  await ticketer.publish(flow.job, jobOf("a"));
  await until(async () => (await left()) === 0);
  expect(await lastDeadLetter()).toMatchObject({
    code: "NO_TICKET",
    reason: "there is no such ticket",
    channel: "job",
  });
});

test("one that can't be read is a dead letter, and never handled", async () => {
  const raw = await connectRaw(server, "provision");
  await raw.request("operator.job.s.critical.node_down.a.1.1", "{}", { timeout: 2_000 });
  await raw.close();
  let handled = 0;
  serve({
    handle: async () => {
      handled++;
    },
  });
  await until(async () => (await left()) === 0);
  expect(handled).toBe(0);
  expect(await lastDeadLetter()).toMatchObject({ code: "BAD_TYPE", stream: "JOBS", bytes: 2 });
});

test(
  "at the fifth delivery it's a dead letter, said to be exhausted, and not handled again",
  { timeout: 30_000 },
  async () => {
    const deliveries: number[] = [];
    const exhausted: string[] = [];
    serve({
      handle: async (received) => {
        deliveries.push(received.deliveries);
        throw new Passing(1, "not now");
      },
      exhausted: async ({ id }) => {
        // The dead letter stands already, and the message isn't gone before its end was told.
        expect(await lastDeadLetter()).toMatchObject({ code: "EXHAUSTED", deliveries: 5 });
        expect(await left()).toBe(1);
        exhausted.push(id);
      },
    });
    await ticketer.publish(flow.job, jobOf("a"));
    await until(async () => exhausted.length === 1 && (await left()) === 0);
    expect(deliveries).toEqual([1, 2, 3, 4]);
    expect(exhausted).toEqual(["s.node_down.a.1:1"]);
  },
);

test("when telling the end fails, it's told again", { timeout: 60_000 }, async () => {
  let told = 0;
  serve({
    handle: async () => {
      throw new Passing(1, "not now");
    },
    exhausted: async () => {
      told++;
      // As a process would that dies here: the message must come again.
      if (told === 1) throw new Passing(1, "the bus was away");
    },
  });
  await ticketer.publish(flow.job, jobOf("a"));
  await until(async () => told === 2 && (await left()) === 0);
});

test("long work keeps its message: it isn't given to another", { timeout: 30_000 }, async () => {
  await admin.link.api.consumers.update("JOBS", "diagnoser-critical", { ack_wait: nanos(1_000) });
  let deliveries = 0;
  const handle = async () => {
    deliveries++;
    await sleep(2_500);
  };
  serve({ handle, keepEveryMs: 300 });
  serve({ handle, keepEveryMs: 300 });
  await ticketer.publish(flow.job, jobOf("a"));
  await until(async () => deliveries > 0 && (await left()) === 0);
  expect(deliveries).toBe(1);
});

test("a stop gives the message back at once, and ends in time", { timeout: 30_000 }, async () => {
  const first = new AbortController();
  const delays: unknown[] = [];
  await using stopping = await connectAs(server, "diagnoser", { log: ({ delayMs }) => delays.push(delayMs) });
  const started = Promise.withResolvers<void>();
  const slot = serve(
    {
      signal: first.signal,
      handle: async (_, signal) => {
        started.resolve();
        await sleep(60_000, undefined, { signal });
      },
    },
    stopping,
  );
  await ticketer.publish(flow.job, jobOf("a"));
  await started.promise;
  first.abort();
  await slot.ended;
  expect(delays).toEqual([0]);
  // Its 10 s of waiting for an acknowledgement aren't over.
  let handled = false;
  serve({
    handle: async ({ deliveries }) => {
      expect(deliveries).toBe(2);
      handled = true;
    },
  });
  await until(() => handled);
});

test("a job that comes while the slot stops isn't begun, and another has it at once", async () => {
  await admin.link.api.consumers.update("JOBS", "diagnoser-critical", { ack_wait: nanos(60_000) });
  const first = new AbortController();
  await using proxy = await RewritingProxy.start(server.port, (said) => {
    if (said.includes("HMSG operator.job.")) first.abort();
    return said;
  });
  const begun: string[] = [];
  const begin = (slot: string) => async () => void begun.push(slot);
  await using stopping = await connectAs({ url: proxy.url, passwords: server.passwords }, "diagnoser");
  const { ended } = serve({ signal: first.signal, handle: begin("stopping") }, stopping);
  await ticketer.publish(flow.job, jobOf("a"));
  await ended;
  serve({ handle: begin("other") });
  await until(async () => begun.length > 0 && (await left()) === 0);
  expect(begun).toEqual(["other"]);
});

test("an idle slot ends soon after the signal", async () => {
  const ended = work(diagnoser, "diagnoser-normal", flow.job, {
    handle: async () => {},
    exhausted: async () => {},
    signal: stop.signal,
  });
  await sleep(50);
  stop.abort();
  await ended;
});

test(
  "the bus killed while messages are worked on: each is handled, and none is left",
  { timeout: 60_000 },
  async () => {
    const handled = new Set<string | undefined>();
    const handle = async ({ message }: { message: Job }) => {
      await sleep(20);
      handled.add(targetOf(message));
    };
    for (let slot = 0; slot < 3; slot++) serve({ handle });
    const sending = (async () => {
      for (let n = 0; n < 60; n++)
        await ticketer.publish(flow.job, jobOf(`t${n}`, n % 2 === 0 ? "critical" : "warning"));
    })();
    for (const many of [10, 30]) {
      await until(() => handled.size >= many);
      await server.restart();
    }
    await sending;
    await until(async () => handled.size === 60 && (await left()) === 0, "all handled");
  },
);

test(
  "what the handler published before the bus died isn't lost with its acknowledgement",
  { timeout: 60_000 },
  async () => {
    let handled = 0;
    serve({
      handle: async ({ message }) => {
        handled++;
        await diagnoser.publish(flow.diagnosis, {
          phase: "started",
          subject: message.subject,
          ticket: message.ticket,
          attempt: message.attempt,
          by: diagnoser.instance,
          atMs: 1,
        });
        // The acknowledgement can't be given now: it comes again after the wait, or is given when the bus is back.
        if (handled === 1) await server.restart();
      },
    });
    await ticketer.publish(flow.job, jobOf("a"));
    await until(async () => handled >= 1 && (await left()) === 0);
    expect((await admin.streamState("DIAGNOSES")).messages).toBe(1);
  },
);

test("an acknowledgement that was lost with the connection is said again: its message doesn't come twice", async () => {
  await using proxy = await CuttingProxy.start(server.port);
  await using cut = await connectAs({ url: proxy.url, passwords: server.passwords }, "diagnoser");
  const lost = proxy.loseRequest("+ACK");
  let handled = 0;
  serve({ handle: async () => void handled++ }, cut);
  await ticketer.publish(flow.job, jobOf("a"));
  await lost;
  await until(async () => (await left()) === 0);
  expect(handled).toBe(1);
});

async function lastDeadLetter() {
  await using cli = await connectAs(server, "cli");
  return (await cli.last(flow.dead, "operator.dead.diagnoser.job"))?.message;
}
