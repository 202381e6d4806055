import { logBounds } from "@operator/contracts/logs";
import { TargetName } from "@operator/contracts/names";
import type { WrittenLine } from "@operator/subject/observation";
import { expect, test } from "vitest";
import { readLogs, tailOf } from "./logs.ts";

const nowMs = 1_800_000_000_000;
const secrets = ["our-own-password"];
const written = (count: number, text = "x") =>
  Array.from({ length: count }, (_, at): WrittenLine => ({ atMs: nowMs - count + at, text: `${text} ${at}` }));
const near = (...names: string[]) => ({ near: names.map((name) => TargetName.parse(name)) });

test("the newest lines are told, oldest first, no more than fifty", () => {
  const lines = tailOf(written(60), nowMs, []);
  expect(lines).toHaveLength(logBounds.linesMax);
  expect([lines[0]?.text, lines.at(-1)?.text]).toEqual(["x 10", "x 59"]);
});

test("all together they are bounded, and each is cut", () => {
  const lines = tailOf(written(50, "y".repeat(10_000)), nowMs, []);
  expect(lines[0]?.text).toHaveLength(logBounds.lineCharsMax);
  expect(lines).toHaveLength(Math.floor(logBounds.charsMax / logBounds.lineCharsMax));
});

/** A stack of so many lines, all of one time. */
const panicked = (frames: number, text = "frame"): WrittenLine[] =>
  ["panicked", ...Array.from({ length: frames }, (_, at) => `${text} ${at}`)].map((text) => ({ atMs: nowMs, text }));
const textsOf = (lines: readonly { text: string }[]) => lines.map(({ text }) => text);

test("an entry that is too long loses its middle, never its first line, and says how much", () => {
  const stack = panicked(80);
  const texts = textsOf(stack);
  const note = "… lines left out: 32";
  expect(textsOf(tailOf([...written(5), ...stack], nowMs, []))).toEqual([
    ...texts.slice(0, 25),
    note,
    ...texts.slice(57),
  ]);
  // What was written after it goes before it, and what is left is the entry's.
  const after = { atMs: nowMs + 1, text: "restarted" };
  const lines = textsOf(tailOf([...written(5), ...stack, after], nowMs, []));
  expect(lines).toHaveLength(logBounds.linesMax);
  expect([lines[0], lines[24], lines.at(-1)]).toEqual(["panicked", "… lines left out: 33", "restarted"]);
});

test("an entry that fits is whole, to the line, and one that hasn't room for more than its first line isn't told", () => {
  expect(textsOf(tailOf(panicked(49), nowMs, []))).toEqual(textsOf(panicked(49)));
  const newer = written(49).map(({ text }, at) => ({ atMs: nowMs + 1 + at, text }));
  expect(textsOf(tailOf([...written(5), ...panicked(1), ...newer], nowMs, []))).toEqual(textsOf(newer));
  expect(textsOf(tailOf([...panicked(0), ...newer], nowMs, []))).toEqual(["panicked", ...textsOf(newer)]);
});

test("an entry of long lines is bounded as all are, with the words on what is left out", () => {
  const [, ...frames] = panicked(49, "y".repeat(1_000));
  // After 384 characters and forty lines there would be no room for these words.
  for (const [chars, count] of [
    [8, 40],
    [384, 39],
  ] as const) {
    const lines = textsOf(tailOf([{ atMs: nowMs, text: "p".repeat(chars) }, ...frames], nowMs, []));
    expect(lines[0]).toBe("p".repeat(chars));
    expect(lines.filter((line) => !line.startsWith("… lines left out: "))).toHaveLength(count + 1);
    expect(lines).toHaveLength(count + 2);
    expect(lines.join("").length).toBeLessThanOrEqual(logBounds.charsMax);
  }
});

test("what is older than ten minutes isn't told", () => {
  const old = { atMs: nowMs - logBounds.agoMsMax - 1, text: "old" };
  expect(tailOf([old, { atMs: nowMs - logBounds.agoMsMax, text: "new" }], nowMs, [])).toEqual([
    { atMs: nowMs - logBounds.agoMsMax, text: "new" },
  ]);
});

test("a hostile line comes out plain, and no secret comes through", () => {
  const texts = ["\u001b[2Jgone \u202eback", "redis://user:hunter22@host/ failed", "our-own-password is it", "\u0007"];
  const lines = tailOf(
    texts.map((text) => ({ atMs: nowMs, text })),
    nowMs,
    secrets,
  );
  expect(lines.map(({ text }) => text)).toEqual(["gone back", "redis://[secret]@host/ failed", "[secret] is it"]);
});

test("the first four that have a log are read; one that can't be is missing, and says why", async () => {
  const asked: string[] = [];
  const reader = {
    targets: () => ["a", "b", "c", "d", "e"],
    read: (target: string): Promise<WrittenLine[]> => {
      asked.push(target);
      if (target === "b") return Promise.reject(new Error("EACCES: permission denied"));
      return Promise.resolve([{ atMs: nowMs, text: `of ${target}` }]);
    },
  };
  const logs = await readLogs(reader, near("key-k", "c", "b", "a", "c", "d", "e"), { nowMs, secrets });
  expect(asked).toEqual(["c", "b", "a", "d"]);
  expect(logs).toMatchObject({
    c: { lines: [{ text: "of c" }] },
    b: { kind: "missing", why: "EACCES: permission denied" },
  });
  expect(Object.keys(logs)).toEqual(["c", "b", "a", "d"]);
});

test("a disk that hangs is missing after a second", async () => {
  const reader = { targets: () => ["a"], read: () => new Promise<never>(() => {}) };
  expect(await readLogs(reader, near("a"), { nowMs, secrets })).toEqual({
    a: { kind: "missing", why: "not read within 1000 ms" },
  });
});
