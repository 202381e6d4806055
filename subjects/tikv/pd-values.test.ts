import { expect, test } from "vitest";
import { PdStore } from "./pd-stores.ts";
import { PdBoolean, PdBytes, PdTimeNs } from "./pd-values.ts";

test.each([
  ["0B", 0],
  ["512B", 512],
  ["395.8KiB", 405_299],
  ["268.8MiB", 281_857_229],
  ["10GiB", 10_737_418_240],
  ["931.5GiB", 1_000_190_509_056],
  ["931.5 GiB", 1_000_190_509_056],
  ["4TiB", 4_398_046_511_104],
  ["1.5PiB", 1_688_849_860_263_936],
  ["2EiB", 2_305_843_009_213_693_952],
])("%s is %i bytes", (text, bytes) => {
  expect(PdBytes.parse(text)).toBe(bytes);
});

test.each([
  "",
  "GiB",
  "10",
  "10 elephants",
  "931.5GB",
  "931,5GiB",
  "-1GiB",
  "1e3GiB",
  ".5GiB",
  "1GiB free",
  "NaNGiB",
  1_024,
])("%j is no size: how large the store is isn't known", (text) => {
  expect(PdBytes.safeParse(text).success).toBe(false);
  const { capacity, used_size } = PdStore.shape.status.parse({ capacity: text, used_size: "0B" });
  expect([capacity, used_size]).toEqual([undefined, 0]);
});

test.each([
  [true, true],
  ["true", true],
  [false, false],
  ["false", false],
])("%j is %j", (given, is) => {
  expect(PdBoolean.parse(given)).toBe(is);
});

test("what is neither is no boolean", () => {
  for (const given of ["yes", "", 1, null]) expect(PdBoolean.safeParse(given).success, String(given)).toBe(false);
});

test.each([
  ["a number", 5_999_999, 5],
  ["text with all its digits", "1795239190384253805", 1_795_239_190_384],
  ["Go's never", "-6795364578871345152", undefined],
  ["nothing", 0, undefined],
])("a time in nanoseconds that is %s", (_, ns, ms) => {
  expect(PdTimeNs.parse(ns)).toBe(ms);
});
