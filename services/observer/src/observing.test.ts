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
