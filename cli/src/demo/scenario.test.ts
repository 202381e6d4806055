import { setTimeout as wait } from "node:timers/promises";
import { work } from "@operator/bus/work";
import { FaultEvent } from "@operator/contracts/chaos";
import { flow } from "@operator/contracts/flow";
import { expect, test } from "vitest";
import { Loop } from "../cli.fixture.ts";
import { ticket, verdictLine, verdicts } from "../samples.fixture.ts";
import { runScenario } from "./scenario.ts";
import { type Seen, watch } from "./watch.ts";

const node = verdictLine({ target: "node-a" });
const latency = verdictLine({ invariant: "high_latency", target: "node-a" });
const allOk = [node, latency];
const stillSlow = [node, { ...latency, verdict: "violated" as const, state: "pending" as const }];
const closed = { status: "closed", closedBy: "observation" } as const;

function faultEvent(given: { id: string | undefined; phase: FaultEvent["phase"] }): FaultEvent {
  const about = { subject: "ratelimiter", fault: "kill_node", target: "node-a", by: "chaos-1" };
  return FaultEvent.parse({ ...about, ...given, atMs: Date.now(), parameters: {}, ttlMs: 60_000, text: given.phase });
}

/**
 * A scenario of one fault on a real bus, where the test speaks for chaos, checker and ticketer. `afterwards`: what comes once
 * the fault was taken back and its ticket closed.
 */
async function tell(
  afterwards: (peers: {
    say: (given: Parameters<typeof ticket>[0]) => Promise<void>;
    judge: (lines: typeof allOk) => void;
  }) => Promise<void>,
) {
  await using loop = await Loop.start();
  const [cli, chaos, checker, ticketer] = await Promise.all([
    loop.as("cli"),
    loop.as("chaos"),
    loop.as("checker"),
    loop.as("ticketer"),
  ]);
  const end = new AbortController();
  const { signal } = end;
  const listeners = new Set<(seen: Seen) => void>();
  const subscribe = (listener: (seen: Seen) => void) => {
    listeners.add(listener);
    return () => listeners.delete(listener);
  };

  let lines = allOk;
  const judging = (async () => {
    for (let asOf = Date.now(); !signal.aborted; asOf += 100) {
      await checker.publish(flow.verdicts, verdicts({ asOf, lines }));
      await wait(100);
    }
  })();
  let revision = 0;
  const say = async (given: Parameters<typeof ticket>[0]) => {
    revision += 1;
    await ticketer.publish(flow.ticket, ticket({ revision, ...given }));
  };
  const answering = work(chaos, "chaos", flow.chaosCommand, {
    handle: async ({ message }) => {
      const id = "revert" in message ? message.revert : "id" in message ? message.id : undefined;
      const publish = (phase: FaultEvent["phase"]) => chaos.publish(flow.fault, faultEvent({ id, phase }));
      if ("fault" in message) {
        await publish("injecting");
        await publish("injected");
        await say({});
      } else {
        await publish("reverted");
        await say(closed);
        await afterwards({ say, judge: (next) => (lines = next) });
      }
    },
    exhausted: async () => {},
    signal,
  });

  const seen = new Set<Seen["kind"]>();
  const watching = watch(cli, "ratelimiter", signal, (each) => {
    seen.add(each.kind);
    for (const listener of listeners) listener(each);
  });
  // All are there once the slowest has read a word.
  for (let n = 0; !(["verdicts", "ticket", "fault"] as const).every((kind) => seen.has(kind)); n += 1) {
    await chaos.publish(flow.fault, faultEvent({ id: `earlier-${n}`, phase: "planned" }));
    await say({ ...closed, id: "ratelimiter.node_down.node-b.1", target: "node-b" });
    await wait(20);
  }
  try {
    return await runScenario({
      subject: "ratelimiter",
      scenario: "kill_node",
      expects: "roots",
      faults: [{ fault: "kill_node", target: "node-a", cause: "crashed", ttlMs: 60_000, force: false }],
      bus: cli,
      subscribe,
      decide: async () => true,
      story: { tell: () => {} },
      signal,
    });
  } finally {
    end.abort();
    await Promise.all([judging, answering, watching]);
  }
}

test("a ticket that opens after the fault's own has closed, while not all is ok again, is counted and complained of", async () => {
  const late = { id: "ratelimiter.high_latency.node-a.1", invariant: "high_latency", attempts: [] };
  const { ok, tickets, wrong } = await tell(async ({ say, judge }) => {
    judge(stillSlow);
    await wait(1_000);
    await say(late);
    await say({ ...late, ...closed });
    judge(allOk);
  });
  expect({ ok, tickets, wrong }).toEqual({
    ok: false,
    tickets: 2,
    wrong: ["2 tickets instead of 1: ratelimiter.node_down.node-a.1, ratelimiter.high_latency.node-a.1"],
  });
}, 60_000);

test("where nothing follows it is one ticket, as it should be", async () => {
  const { ok, tickets, wrong } = await tell(async () => {});
  expect({ ok, tickets, wrong }).toEqual({ ok: true, tickets: 1, wrong: [] });
}, 60_000);
