import { SubjectName } from "@operator/contracts/names";
import { Violation } from "@operator/contracts/violation";
import { describe, expect, test } from "vitest";
import { foldAll, saying } from "./events.fixture.ts";
import { clearingOf, firstSight, lookAway, seeVerdicts, silencesOf, silenceViolation, type Sight } from "./silence.ts";

const subject = SubjectName.parse("ratelimiter");
/** Verdicts as of, and come at, these milliseconds. */
const seen = (from: Sight, ...times: [asOf: number, atMs: number][]) =>
  times.reduce((sight, [asOf, atMs]) => seeVerdicts(sight, asOf, atMs), from);
const start = seen(firstSight(50_000, 0), [100_000, 1_000]);
const silent = (silences: number) => saying(silenceViolation(subject, start, silences));

describe("a silence", () => {
  test.each([
    ["none yet", 1_000 + 4_999, 0],
    ["one after 5 s", 1_000 + 5_000, 1],
    ["told again every 5 s", 1_000 + 17_000, 3],
  ])("%s", (_, nowMs, silences) => {
    expect(silencesOf(start, nowMs)).toBe(silences);
  });

  test("is dated by the last verdicts, so that all say it alike", () => {
    expect(Violation.parse(silenceViolation(subject, start, 3))).toMatchObject({
      asOf: 115_000,
      sinceMs: 105_000,
      changedAtMs: 105_000,
      occurrences: 3,
      severity: "critical",
    });
  });

  test("is counted anew when who looks couldn't see", () => {
    expect(silencesOf(lookAway(start, 20_000), 24_000)).toBe(0);
  });

  test("isn't ended by old verdicts that come again", () => {
    expect(silencesOf(seeVerdicts(start, 100_000, 5_500), 6_000)).toBe(1);
  });

  test("told by several, each as long as it looks, is one ticket", () => {
    const { head, reasons } = foldAll([silent(1), silent(1), silent(2), silent(1), silent(3)]);
    expect(head).toMatchObject({ id: "ratelimiter.checker_silent.checker.1", occurrences: 3, revision: 1 });
    expect(reasons.flat()).toEqual(["first-seen"]);
  });
});

describe("the end of a silence", () => {
  const { head } = foldAll([silent(1), silent(2)]);
  const back = (...times: [number, number][]) => clearingOf(head, seen(start, ...times));

  test.each<[string, [number, number][]]>([
    ["no verdicts", []],
    [
      "two in 4 s",
      [
        [120_000, 21_000],
        [124_000, 25_000],
      ],
    ],
    [
      "three in 2 s",
      [
        [120_000, 21_000],
        [121_000, 22_000],
        [122_000, 23_000],
      ],
    ],
    [
      "three in 3 s that tell of 2 s",
      [
        [120_000, 21_000],
        [121_000, 22_500],
        [122_000, 24_000],
      ],
    ],
    [
      "a backlog of a minute at once",
      [
        [110_000, 21_000],
        [130_000, 21_001],
        [170_000, 21_002],
      ],
    ],
    [
      "three over 3 s of which the first came before a silence",
      [
        [112_000, 13_000],
        [130_000, 31_000],
        [131_000, 32_000],
      ],
    ],
  ])("is not told by %s", (_, times) => {
    expect(back(...times)).toBeUndefined();
  });

  test("is told by three over 3 s", () => {
    const clearing = back([120_000, 21_000], [121_500, 22_500], [123_000, 24_000]);
    expect(clearing).toMatchObject({ state: "cleared", asOf: 123_000, sinceMs: 105_000 });
    expect(clearing && foldAll([saying(Violation.parse(clearing))], head).head).toMatchObject({ status: "closed" });
  });

  test("is told after what it ends, even when the checker's clock lags", () => {
    const clearing = back([101_000, 21_000], [102_500, 22_500], [104_000, 24_000]);
    expect(clearing?.asOf).toBe(110_001);
  });

  test("is told of nothing that is over, or never was", () => {
    const steady = seen(start, [120_000, 21_000], [121_500, 22_500], [123_000, 24_000]);
    const clearing = clearingOf(head, steady);
    const closed = foldAll(clearing ? [saying(clearing)] : [], head).head;
    expect(clearingOf(closed, steady)).toBeUndefined();
    expect(clearingOf(undefined, steady)).toBeUndefined();
  });

  test("a second silence is the next ticket", () => {
    const clearing = back([120_000, 21_000], [121_500, 22_500], [123_000, 24_000]);
    const later = seeVerdicts(start, 123_000, 24_000);
    const again = [...(clearing ? [saying(clearing)] : []), saying(silenceViolation(subject, later, 1))];
    expect(foldAll(again, head).head).toMatchObject({ generation: 2, openedAtMs: 128_000 });
  });
});
