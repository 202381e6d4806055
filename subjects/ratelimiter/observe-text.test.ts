import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { samplesOf } from "./observe-text.ts";

const seed = Number(process.env["SEED"] ?? Date.now() % 2 ** 31);
console.log(`text properties: SEED=${seed}`);

const wanted = new Set(["a", "b_total", "c:d"]);
const read = (text: string) => samplesOf(text, wanted).map(({ name, labels, value }) => [name, [...labels], value]);

describe("a line of the text format", () => {
  test.each([
    ["without labels", "a 1", [["a", [], 1]]],
    [
      "with labels",
      `b_total{x="1",y="two"} 2.5`,
      [
        [
          "b_total",
          [
            ["x", "1"],
            ["y", "two"],
          ],
          2.5,
        ],
      ],
    ],
    ["with empty labels", "a{} 1", [["a", [], 1]]],
    ["with a comma after the last label", `a{x="1",} 1`, [["a", [["x", "1"]], 1]]],
    ["with escapes", `a{x="\\"\\\\\\n}"} 1`, [["a", [["x", `"\\\n}`]], 1]]],
    ["with a timestamp", "a 1 1700000000000", [["a", [], 1]]],
    ["with an exponent", "a 1e-3", [["a", [], 0.001]]],
    ["with infinity", "a +Inf", [["a", [], Infinity]]],
    ["with less than all", "a -Inf", [["a", [], -Infinity]]],
    [
      "with spaces about",
      `a { x = "1" , y = "2" }   3`,
      [
        [
          "a",
          [
            ["x", "1"],
            ["y", "2"],
          ],
          3,
        ],
      ],
    ],
    ["of a metric that isn't wanted", "other 1", []],
    ["whose name only begins like one", "ab 1", []],
    ["that is a comment", "# TYPE a counter", []],
    ["without a value", "a", []],
    ["with a word for a value", "a one", []],
    ["with a value too many", "a 1 2 3", []],
    ["with an open brace", `a{x="1" 1`, []],
    ["with an open quote", `a{x="1} 1`, []],
    ["without a comma", `a{x="1"y="2"} 1`, []],
    ["with a hex number", "a 0x10", []],
    ["that is too long", `a{x="${"y".repeat(5_000)}"} 1`, []],
  ])("%s", (_, line, samples) => {
    expect(read(line)).toEqual(samples);
    expect(read(`# HELP a b\n${line}\r\n\na 7\n`)).toEqual([...samples, ["a", [], 7]]);
  });
});

test("not a number is read as such", () => {
  expect(samplesOf("a NaN", wanted)[0]?.value).toBeNaN();
});

const label = fc.tuple(fc.stringMatching(/^[a-z_]\w{0,8}$/), fc.string({ maxLength: 20, unit: "binary" }));
const sample = fc.record({
  name: fc.constantFrom(...wanted),
  labels: fc.uniqueArray(label, { maxLength: 5, selector: ([key]) => key }),
  value: fc.double({ noNaN: true }),
});

function written({ name, labels, value }: { name: string; labels: [string, string][]; value: number }): string {
  const escaped = (text: string) => text.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n");
  const number = Number.isFinite(value) ? String(value) : value > 0 ? "+Inf" : "-Inf";
  return `${name}{${labels.map(([key, text]) => `${key}="${escaped(text)}"`).join(",")}} ${number}`;
}

test("whatever is written can be read", () => {
  fc.assert(
    fc.property(fc.array(sample, { maxLength: 20 }), (samples) => {
      const text = samples.map(written).join("\n");
      // -0 is written as 0.
      const expected = samples.map(({ name, labels, value }) => [name, labels, value + 0]);
      expect(read(text)).toEqual(expected);
    }),
    { seed },
  );
});

test("whatever comes, nothing is thrown, and what comes out was wanted", () => {
  const pieces = fc.array(
    fc.oneof(fc.string({ unit: "binary" }), fc.constantFrom("a", "{", "}", '"', "\\", "=", ",", " ", "1", "\n")),
  );
  fc.assert(
    fc.property(pieces, (parts) => {
      for (const { name } of samplesOf(parts.join(""), wanted)) expect(wanted).toContain(name);
    }),
    { seed },
  );
});

test("a hostile page is read in a bounded number of steps", () => {
  const quotes = `a{x="${'\\"'.repeat(2_000)}`;
  expect(read(`${quotes}\n`.repeat(2_000))).toEqual([]);
  expect(read("a 1\n".repeat(30_000))).toHaveLength(20_000);
});
