import { expect, test } from "vitest";
import { goDuration, goSize } from "./go-text.ts";

test.each([
  [0, "0B"],
  [5_760, "5.625KiB"],
  [308_805_632, "294.5MiB"],
  [10_737_418_240, "10GiB"],
  [10_428_000_000, "9.712GiB"],
  [4_398_046_511_104, "4TiB"],
])("%d bytes are %s, as PD rounds them", (bytes, text) => {
  expect(goSize(bytes)).toBe(text);
});

test.each([
  [0, "0s"],
  [115.697648, "115.697648ms"],
  [51_217.254, "51.217254s"],
  [60_000, "1m0s"],
  [660_000, "11m0s"],
  [120_472.680941, "2m0.472680941s"],
  [1_795_237_076_022, "498676h57m56.022s"],
])("%d ms are %s, as Go prints them", (ms, text) => {
  expect(goDuration(ms)).toBe(text);
});
