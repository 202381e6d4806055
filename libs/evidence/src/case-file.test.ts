import { expect, test } from "vitest";
import { recoveryOf } from "./answer.ts";
import { breachMs, caseOf, lineOf } from "./case.fixture.ts";

test("of any number of verdicts 300 are kept: the ticket's own and what isn't well before what is", () => {
  const lines = Array.from({ length: 1_000 }, (_, at) =>
    lineOf("node_slow", `node-${at}`, at % 10 === 0 ? "firing" : "ok", breachMs),
  );
  const own = lineOf("node_down", "node-a", "clearing", breachMs + 1_000);
  const { file } = caseOf({ invariant: "node_down", target: "node-a", lines: [...lines, own] });
  const kept = file.verdicts?.lines ?? [];
  expect(kept).toHaveLength(300);
  expect(kept.filter(({ state }) => state === "firing")).toHaveLength(100);
  expect(recoveryOf(file)).toEqual({ sinceMs: breachMs + 1_000 });
});
