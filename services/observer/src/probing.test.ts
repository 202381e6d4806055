import { TargetName } from "@operator/contracts/names";
import type { ProbeOutcome, ProbeTarget } from "@operator/subject/probe";
import { httpScript, startNode, until } from "@operator/subject/probe.fixture";
import { httpAsker } from "@operator/subject/probe-http";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { eventClock } from "./clock.ts";
import { watchLag } from "./lag.ts";
import { type Probing, rhythmOf, startProbing } from "./probing.ts";

let probing: Probing;
let changes: string[] = [];
let beforeDown: (target: string) => Promise<void>;
beforeEach(() => {
  changes = [];
  beforeDown = () => Promise.resolve();
  probing = startProbing({
    clock: eventClock(),
    beforeDown: (target) => beforeDown(target),
    onChange: (target, { state }) => changes.push(`${target} ${state}`),
  });
});
afterEach(() => probing.close());

function nodeAt(target: string, port: number): ProbeTarget {
  const address = `http://127.0.0.1:${port}/livez`;
  return { target, address, open: () => httpAsker(address) };
}

/** A target whose answers are the test's: what only a broken machine would give. */
function scripted(target: string, answer: () => ProbeOutcome): { target: ProbeTarget; asked: () => number } {
  let asked = 0;
  const open = () => ({
    ask: () => {
      asked += 1;
      return Promise.resolve(answer());
    },
    onClose: () => {},
    close: () => {},
  });
  return { target: { target, address: target, open }, asked: () => asked };
}

function sightOf(target: string) {
  return probing.sight().targets.get(TargetName.parse(target));
}

function stateOf(target: string): unknown {
  const value = sightOf(target)?.value;
  return value !== null && typeof value === "object" && !Array.isArray(value) ? value["state"] : undefined;
}

describe("a real process", () => {
  test("is up, refused once killed, and up again once restarted, each said once", async () => {
    const node = await startNode(httpScript);
    probing.follow([nodeAt("node-a", node.port)]);
    await until("it's up", () => stateOf("node-a") === "up");
    expect(changes).toEqual([]);
    await node.kill();
    await until("it's refused", () => stateOf("node-a") === "refused");
    await using again = await startNode(httpScript, node.port);
    await until("it's up again", () => stateOf("node-a") === "up");
    expect(again.port).toBe(node.port);
    expect(changes).toEqual(["node-a refused", "node-a up"]);
  });

  test("that is paused is silent, and nothing else is", async () => {
    await using paused = await startNode(httpScript);
    await using other = await startNode(httpScript);
    probing.follow([nodeAt("paused", paused.port), nodeAt("other", other.port)]);
    await until("both are up", () => stateOf("paused") === "up" && stateOf("other") === "up");
    paused.signal("SIGSTOP");
    await until("it's silent", () => stateOf("paused") === "silent");
    paused.signal("SIGCONT");
    await until("it's up again", () => stateOf("paused") === "up");
    expect(changes).toEqual(["paused silent", "paused up"]);
  });

  test("that stays silent is read again and again: it's known to be silent, not unknown", async () => {
    await using paused = await startNode(httpScript);
    probing.follow([nodeAt("paused", paused.port)]);
    await until("it's up", () => stateOf("paused") === "up");
    paused.signal("SIGSTOP");
    await until("it's silent", () => stateOf("paused") === "silent");
    const readAtMs = sightOf("paused")?.readAtMs ?? 0;
    await until("that is confirmed", () => (sightOf("paused")?.readAtMs ?? 0) > readAtMs + 500);
  });
});

describe("targets", () => {
  test("that come are asked, that go are forgotten and asked no more", async () => {
    const [a, b] = [scripted("a", up), scripted("b", up)];
    probing.follow([a.target]);
    await until("a is up", () => stateOf("a") === "up");
    probing.follow([b.target]);
    expect(sightOf("a")).toBeUndefined();
    const asked = a.asked();
    await until("b was asked a few times", () => b.asked() >= 4);
    expect(a.asked()).toBe(asked);
  });

  test("with the same name and address keep what is known, with another address don't", async () => {
    const a = scripted("a", up);
    probing.follow([a.target]);
    await until("a is up", () => stateOf("a") === "up");
    probing.follow([{ ...a.target }]);
    expect(stateOf("a")).toBe("up");
    probing.follow([{ ...a.target, address: "elsewhere" }]);
    expect(sightOf("a")).toEqual({});
  });

  test("that can't even be asked are unknown, and cost the others nothing", async () => {
    const broken = { target: "broken", address: "::", open: () => httpAsker("no address") };
    probing.follow([broken, scripted("a", up).target]);
    await until("a is up", () => stateOf("a") === "up");
    await until("the failure is reported", () => sightOf("broken")?.error !== undefined);
    expect(sightOf("broken")?.readAtMs).toBeUndefined();
  });

  test("that are down are shown as up until the reason was read, and never shown when they were back before", async () => {
    let answer: ProbeOutcome = up();
    let down: string[] = [];
    let { promise, resolve } = Promise.withResolvers<void>();
    beforeDown = (target) => {
      down.push(target);
      return promise;
    };
    const a = scripted("a", () => answer);
    probing.follow([a.target]);
    await until("a is up", () => stateOf("a") === "up");
    answer = { kind: "refused", code: "ECONNREFUSED" };
    await until("it's found down", () => down.length === 1);
    expect(stateOf("a")).toBe("up");
    resolve();
    await until("it's shown as down", () => stateOf("a") === "refused");

    answer = up();
    await until("it's up again", () => stateOf("a") === "up");
    ({ promise, resolve } = Promise.withResolvers<void>());
    answer = { kind: "refused", code: "ECONNREFUSED" };
    await until("it's found down again", () => down.length === 2);
    answer = up();
    const asked = a.asked();
    await until("it has answered", () => a.asked() > asked + 1);
    resolve();
    await until("that was shown", () => (sightOf("a")?.readAtMs ?? 0) > 0);
    expect(changes).toEqual(["a refused", "a up"]);
  });

  test("without sockets left stay as they were, with an error", async () => {
    let answer: ProbeOutcome = up();
    const a = scripted("a", () => answer);
    probing.follow([a.target]);
    await until("a is up", () => stateOf("a") === "up");
    answer = { kind: "ours", code: "EMFILE" };
    await until("the failure is reported", () => sightOf("a")?.error?.code === "EMFILE");
    expect(stateOf("a")).toBe("up");
    expect(changes).toEqual([]);
  });

  test("that never answer, and never give up either, have no more than four questions open", async () => {
    let asked = 0;
    const open = () => ({
      ask: () => ((asked += 1), new Promise<never>(() => {})),
      onClose: () => {},
      close: () => {},
    });
    const other = scripted("other", up);
    probing.follow([{ target: "deaf", address: "deaf", open }, other.target]);
    await until("the other was asked more often", () => other.asked() > 6);
    expect(asked).toBe(4);
  });

  test("whose names can't be a target's are left out", () => {
    probing.follow([scripted("", up).target, scripted("x\n", up).target]);
    expect(probing.sight().targets.size).toBe(0);
  });
});

test.each([
  ["few", 3, 250],
  ["as many as can be asked four times a second", 250, 250],
  ["some hundred", 400, 400],
  ["a thousand", 1_000, 1_000],
  ["more than that", 2_000, 1_000],
])("%s are asked by their number", (_, targets, rhythmMs) => {
  expect(rhythmOf(targets)).toBe(rhythmMs);
});

test("many targets are asked less often each, and the sight says how often", async () => {
  const many = Array.from({ length: 600 }, (_, at) => scripted(`store-${at}`, up));
  const startedMs = performance.now();
  probing.follow(many.map(({ target }) => target));
  expect(probing.sight().rhythmMs).toBe(600);
  await until("one was asked three times", () => many.some(({ asked }) => asked() === 3));
  expect(performance.now() - startedMs).toBeGreaterThan(1_190);
});

test("an event loop that is held up makes no target silent", async () => {
  await using node = await startNode(httpScript);
  probing.follow([nodeAt("node-a", node.port)]);
  await until("it's up", () => stateOf("node-a") === "up");
  // Questions are under way in most of these: their limits run out while the answers lie waiting.
  for (let n = 0; n < 4; n += 1) {
    holdUp(700);
    await new Promise((resolve) => setImmediate(resolve));
  }
  const readAtMs = sightOf("node-a")?.readAtMs ?? 0;
  await until("it's asked again", () => (sightOf("node-a")?.readAtMs ?? 0) > readAtMs);
  expect(changes).toEqual([]);
});

test("a hold-up is known while it ends and for a while after", async () => {
  const lag = watchLag();
  const beforeMs = performance.now();
  holdUp(200);
  expect(lag.lagSince(beforeMs)).toBeGreaterThan(150);
  await until("the watch has ticked", () => lag.lagSince(performance.now()) === 0);
  expect(lag.lagSince(beforeMs)).toBeGreaterThan(150);
  lag.close();
});

function up(): ProbeOutcome {
  return { kind: "answered", latencyMs: 1 };
}

function holdUp(ms: number): void {
  const untilMs = performance.now() + ms;
  while (performance.now() < untilMs);
}
