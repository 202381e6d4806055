import { expect, test } from "vitest";
import { z } from "zod";
import { breachMs, caseOf, snapshotAt } from "./case.fixture.ts";
import { claudeRequest } from "./claude-request.ts";
import { claudeTools } from "./claude-tools.ts";

const getStores = { name: "get_stores", title: "The stores", about: "As PD has them.", parameters: z.strictObject({}) };
const getTail = {
  name: "get_log_tail",
  title: "The end of a log",
  about: "Its newest lines.",
  parameters: z.strictObject({
    target: z.string().max(64),
    lines: z.int().min(1).max(50),
    level: z.enum(["all", "warnings"]),
  }),
};

test("each is told with what it takes, its bounds in words, held to that by the API", () => {
  expect(claudeTools([getStores, getTail])).toEqual([
    {
      name: "get_stores",
      description: "The stores. As PD has them.",
      input_schema: { type: "object", properties: {}, required: [], additionalProperties: false },
      strict: true,
    },
    {
      name: "get_log_tail",
      description: "The end of a log. Its newest lines.",
      input_schema: {
        type: "object",
        properties: {
          target: { type: "string", description: "at most 64 characters" },
          lines: { type: "integer", description: "at least 1; at most 50" },
          level: { enum: ["all", "warnings"] },
        },
        required: ["target", "lines", "level"],
        additionalProperties: false,
      },
      strict: true,
    },
  ]);
});

test("parameters that can't be told to a model are refused", () => {
  expect(() => claudeTools([{ ...getStores, parameters: z.record(z.string(), z.string()) }])).toThrow("get_stores");
  expect(() => claudeTools([{ ...getStores, parameters: z.string() }])).toThrow("get_stores");
});

test("a request tells of them and how to use them, and nothing of the kind where a subject has none", () => {
  const { file } = caseOf({
    invariant: "node_down",
    target: "node-a",
    bad: snapshotAt(breachMs, { probe: { "node-a": { state: "refused" } } }),
  });
  const about = {
    file,
    actions: [],
    model: "claude-x",
    effort: "low",
    tokensMax: 9,
    nonce: "0123456789abcdef",
  } as const;
  const request = claudeRequest({ ...about, secrets: [], readTools: [getStores] });
  expect(request.tools?.map(({ name }) => name)).toEqual(["get_stores"]);
  expect(request.cache_control).toEqual({ type: "ephemeral" });
  expect(request.system[0]?.text).toContain("At most 8 calls altogether");
  const without = claudeRequest({ ...about, secrets: [], readTools: [] });
  expect(Object.keys(without)).not.toContain("tools");
  expect(JSON.stringify(without.system)).not.toContain("calls altogether");
});
