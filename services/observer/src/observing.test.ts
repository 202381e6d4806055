import { atPointer } from "@operator/contracts/json";
import { SubjectName } from "@operator/contracts/names";
import type { Snapshot } from "@operator/contracts/snapshot";
import type { Observation, Source } from "@operator/subject/observation";
import { httpScript, startNode, until } from "@operator/subject/probe.fixture";
import { httpAsker } from "@operator/subject/probe-http";
import { afterEach, expect, test } from "vitest";
import { eventClock } from "./clock.ts";
import { observeWhile, type ObservingNews } from "./observing.ts";

const running = new Set<() => Promise<void>>();
afterEach(async () => {
  for (const stop of running) await stop();
  running.clear();
});

function start(observation: Partial<Observation>, say?: (snapshot: Snapshot) => Promise<void>) {
  const controller = new AbortController();
  const snapshots: Snapshot[] = [];
  const news: ObservingNews[] = [];
  let closed = 0;
  const ended = observeWhile(
    {
      sources: [],
      probeTargets: () => [],
      ...observation,
      close: () => {
        closed += 1;
        return Promise.resolve();
      },
    },
    {
      subject: SubjectName.parse("s"),
      epoch: 7,
      clock: eventClock(),
      signal: controller.signal,
      say: async (snapshot) => {
        snapshots.push(snapshot);
        await say?.(snapshot);
      },
      news: (said) => news.push(said),
    },
  );
  const stop = async () => {
    controller.abort();
    await ended.catch(() => {});
  };
  running.add(stop);
  return { snapshots, news, ended, stop, closed: () => closed };
}

function source(changes: Partial<Source>): Source {
  return {
    name: "registry",
    rhythmMs: 50,
    timeoutMs: 1_000,
    targets: () => ["cluster"],
    read: () => Promise.resolve({ cluster: { value: 1 } }),
    ...changes,
  };
}

const never = new Promise<never>(() => {});

test("snapshots count from 1, in event time that only grows, and end with the signal", async () => {
  const { snapshots, stop, ended, closed } = start({ sources: [source({})] });
  await until("three snapshots", () => snapshots.length === 3);
  await stop();
  await ended;
  expect(closed()).toBe(1);
  expect(snapshots.map(({ n, epoch, cause }) => [n, epoch, cause])).toEqual([
    [1, 7, "rhythm"],
    [2, 7, "rhythm"],
    [3, 7, "rhythm"],
  ]);
  expect(new Set(snapshots.map(({ atMs }) => atMs)).size).toBe(3);
  expect(snapshots.map(({ atMs }) => atMs)).toEqual(snapshots.map(({ atMs }) => atMs).toSorted((a, b) => a - b));
});

test("what hasn't been read is listed as such", async () => {
  const { snapshots } = start({ sources: [source({ read: () => never })] });
  await until("a snapshot", () => snapshots.length > 0);
  expect(snapshots[0]?.sources).toEqual({
    probe: { rhythmMs: 250, targets: {} },
    registry: { rhythmMs: 50, targets: { cluster: {} } },
  });
  expect(snapshots[0]?.parts).toEqual({});
});

test("one is said after the other, and what changed meanwhile is in the next", async () => {
  await using node = await startNode(httpScript);
  let saying = 0;
  let most = 0;
  const gates: (() => void)[] = [];
  const address = `http://127.0.0.1:${node.port}/`;
  const { snapshots, news } = start(
    { probeTargets: () => [{ target: "node-a", address, open: () => httpAsker(address) }] },
    async () => {
      saying += 1;
      most = Math.max(most, saying);
      await new Promise<void>((resolve) => gates.push(resolve));
      saying -= 1;
    },
  );
  await until("the first is being said", () => gates.length === 1);
  await node.kill();
  await until("the change is known", () => news.some(({ kind }) => kind === "probe-changed"));
  expect(snapshots).toHaveLength(1);
  gates[0]?.();
  await until("the second is being said", () => gates.length === 2);
  expect(snapshots[1]?.cause).toBe("change");
  expect(atPointer(snapshots[1], "/parts/probe/node-a/state")).toBe("refused");
  expect(most).toBe(1);
  for (const open of gates) open();
});

test("a source that could tell why, but doesn't answer, keeps no death back", async () => {
  await using node = await startNode(httpScript);
  const address = `http://127.0.0.1:${node.port}/`;
  const { snapshots } = start({
    sources: [source({ read: () => never, timeoutMs: 3_600_000, tellsWhy: () => true })],
    probeTargets: () => [{ target: "node-a", address, open: () => httpAsker(address) }],
  });
  const state = () => atPointer(snapshots.at(-1), "/parts/probe/node-a/state");
  await until("it's up", () => state() === "up");
  await node.kill();
  await until("it's said", () => state() === "refused");
});

test("a source that could tell why is waited for, and for 50 ms at most", async () => {
  await using node = await startNode(httpScript);
  const address = `http://127.0.0.1:${node.port}/`;
  const state = () => atPointer(snapshots.at(-1), "/parts/probe/node-a/state");
  const seen: string[] = [];
  let reads = 0;
  const read = () => {
    reads += 1;
    if (reads === 1) return Promise.resolve({ cluster: { value: 1 } });
    // On a held-up event loop too, timers fire in the order of their ends.
    for (const ms of [25, 100]) setTimeout(() => seen.push(`${ms} ms: ${String(state())}`), ms);
    return never;
  };
  const { snapshots } = start({
    sources: [source({ read, rhythmMs: 3_600_000, timeoutMs: 3_600_000, tellsWhy: (target) => target === "node-a" })],
    probeTargets: () => [{ target: "node-a", address, open: () => httpAsker(address) }],
  });
  await until("it's up", () => state() === "up");
  await node.kill();
  await until("it was read and given up", () => seen.length === 2);
  expect(seen).toEqual(["25 ms: up", "100 ms: refused"]);
});

test("what a source tells of a death is in the snapshot that says it, and others' deaths don't wait for it", async () => {
  await using told = await startNode(httpScript);
  await using untold = await startNode(httpScript);
  const at = (port: number) => `http://127.0.0.1:${port}/`;
  let reads = 0;
  const { snapshots, news } = start({
    sources: [
      source({
        read: () => Promise.resolve({ cluster: { value: (reads += 1) } }),
        rhythmMs: 3_600_000,
        tellsWhy: (target) => target === "told",
      }),
    ],
    probeTargets: () =>
      Object.entries({ told: told.port, untold: untold.port }).map(([target, port]) => ({
        target,
        address: at(port),
        open: () => httpAsker(at(port)),
      })),
  });
  const firstWith = (target: string, state: string) =>
    snapshots.find((snapshot) => atPointer(snapshot, `/parts/probe/${target}/state`) === state);
  await until("both are up", () => firstWith("told", "up") !== undefined && firstWith("untold", "up") !== undefined);
  await untold.kill();
  await until("one is down", () => firstWith("untold", "refused") !== undefined);
  expect(reads).toBe(1);
  await told.kill();
  await until("both are down", () => firstWith("told", "refused") !== undefined);
  expect(atPointer(firstWith("told", "refused"), "/parts/registry/cluster")).toBe(2);
  expect(news.filter(({ kind }) => kind === "probe-changed")).toHaveLength(2);
});

test("a room that can't say what to probe keeps what it said before, and that is reported", async () => {
  let fails = false;
  const { snapshots, news } = start({
    sources: [source({})],
    probeTargets: () => {
      if (fails) throw new Error("no idea");
      return [{ target: "a", address: "x", open: () => httpAsker("http://127.0.0.1:1/") }];
    },
  });
  await until("a snapshot", () => snapshots.length > 0);
  fails = true;
  await until("it's reported", () => news.some(({ kind }) => kind === "room-failed"));
  const seen = snapshots.length;
  await until("another snapshot", () => snapshots.length > seen);
  expect(atPointer(snapshots.at(-1), "/sources/probe/targets/a")).toBeDefined();
});

test("a broken assumption ends it with that error, and everything is closed", async () => {
  // What no type lets through can still come from a room that lies to its types.
  const broken = source({ read: () => Promise.resolve(JSON.parse("null")) });
  const { ended, closed } = start({ sources: [broken] });
  await expect(ended).rejects.toThrow(TypeError);
  expect(closed()).toBe(1);
});
