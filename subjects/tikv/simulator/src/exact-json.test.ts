import { expect, test } from "vitest";
import { decodeJson, indentedJson, uint64 } from "./exact-json.ts";

test("a uint64 past what a JS number holds is written and read exactly", () => {
  const text = indentedJson({ header: { cluster_id: uint64(7_710_507_798_358_260_623n) }, count: 3 });
  expect(text).toBe('{\n  "header": {\n    "cluster_id": 7710507798358260623\n  },\n  "count": 3\n}\n');
  expect(decodeJson(text)).toEqual({ header: { cluster_id: 7_710_507_798_358_260_623n }, count: 3 });
});

test("a fraction and a number in a text stay what they are", () => {
  expect(decodeJson('[1.5, "7710507798358260623"]')).toEqual([1.5, "7710507798358260623"]);
});
