import { claudeRequest, usual } from "@operator/evidence/claude-request";
import { caseOf, snapshotAt } from "@operator/evidence/case.fixture";
import { catalogueOf } from "@operator/evidence/catalogue";
import { tools } from "@operator/subject/tools";
import { expect, test } from "vitest";
import { openRoom } from "./room.ts";

test("Claude is told of the tools that every subject has, beside the room's actions, and may propose them", async () => {
  const { actions } = await openRoom("ratelimiter");
  const bad = snapshotAt(5_000, { probe: { "node-a": { state: "refused" } } });
  const { file } = caseOf({ invariant: "node_down", target: "node-a", bad });
  const { model, effort, tokensMax } = usual;
  const how = { effort, tokensMax, nonce: "0123456789abcdef", secrets: [] };
  const request = claudeRequest({ file, actions, readTools: [], model, ...how });
  const [told, schema] = [JSON.stringify(request.system), JSON.stringify(request.output_config.format.schema)];
  expect(tools.map(({ name }) => name)).toEqual(["wait", "log_message", "notify"]);
  for (const { name } of [...tools, { name: "restart_node" }]) {
    expect(told).toContain(`- ${name} (risk`);
    expect(schema).toContain(`"${name}"`);
  }
});

test("who checks a diagnosis knows them too, with their parameters", async () => {
  const { actions, checkParameters } = catalogueOf((await openRoom("ratelimiter")).actions);
  expect(actions).toEqual(expect.arrayContaining(["restart_node", "wait", "log_message", "notify"]));
  expect(checkParameters("wait", { seconds: 5 })).toBeUndefined();
  expect(checkParameters("wait", { seconds: 3_600 })).toContain("seconds");
  expect(checkParameters("log_message", { text: "seen" })).toBeUndefined();
  expect(checkParameters("notify", { text: "" })).toContain("text");
});
