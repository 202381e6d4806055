import { once } from "node:events";
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { expect, test } from "vitest";
import { z } from "zod";
import { NotDone } from "./action.ts";
import { ActionShape } from "./exam-shapes.ts";
import { tools } from "./tools.ts";

const state = { probe: { "node-a": {} }, registry: { cluster: {} }, metrics: { "node-a": {} } };

function tool(name: string) {
  const found = tools.find((each) => each.name === name);
  if (!found) throw new Error(`no tool "${name}"`);
  return found;
}

/** Carries a tool out at node-a, its parameters parsed as the actuator parses them. */
async function carryOut(name: string, parameters: unknown, environment: Record<string, string> = {}) {
  const { parameters: schema, execute } = tool(name);
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion
  const given = { state, target: "node-a", parameters: schema.parse(parameters) } as never;
  const start = () => Promise.reject(new Error("a tool starts nothing"));
  return await execute(given, { environment, start }, AbortSignal.timeout(2_000));
}

test("each has the shape of an action, a low risk, and any target that a source names", () => {
  for (const each of tools) {
    expect(ActionShape.safeParse(each).success, each.name).toBe(true);
    expect(each).toMatchObject({ risk: "low", takesOut: false });
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion
    expect(each.targets(state as never)).toEqual(["node-a", "cluster"]);
  }
});

test.for([
  ["wait", { seconds: 0 }],
  ["wait", { seconds: 61 }],
  ["wait", { seconds: 1.5 }],
  ["wait", {}],
  ["log_message", { text: "" }],
  ["log_message", { text: "x".repeat(501) }],
  ["notify", { text: "x", url: "http://elsewhere" }],
] as const)("%s doesn't take %j", ([name, parameters]) => {
  expect(tool(name).parameters.safeParse(parameters).success).toBe(false);
});

test("a wait takes as long as it says, and ends with its signal", async () => {
  const from = performance.now();
  expect(await carryOut("wait", { seconds: 1 })).toEqual({ effect: "waited 1 s" });
  expect(performance.now() - from).toBeGreaterThan(950);
  await expect(carryOut("wait", { seconds: 60 })).rejects.toThrow(/abort/i);
});

test("a message for the log is the effect itself", async () => {
  expect(await carryOut("log_message", { text: "look at its disk" })).toEqual({ effect: "noted: look at its disk" });
});

test.for([
  ["wait", true],
  ["log_message", false],
  ["notify", undefined],
] as const)("whether %s took effect, of a claimant that died: %s", ([name, expected]) => {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion
  const given = { state, target: "node-a", parameters: {} } as never;
  expect(tool(name).isDone(given)).toBe(expected);
  expect(tool(name).guard(given)).toBeUndefined();
});

/** A webhook's receiver that answers so, and how often it was asked for what. */
async function receiver(answer: (response: ServerResponse) => void) {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    asked.push(`${request.method} ${request.url}`);
    answer(response);
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion
  const { port } = server.address() as AddressInfo;
  const close = async () => {
    server.close();
    server.closeAllConnections();
  };
  const environment = { OPERATOR_WEBHOOK_URL: `http://127.0.0.1:${port}/secret` };
  return { asked, environment, [Symbol.asyncDispose]: close };
}

test("a receiver that sends it elsewhere isn't followed there", async () => {
  await using moved = await receiver((response) => response.writeHead(307, { location: "/elsewhere" }).end());
  await expect(carryOut("notify", { text: "look" }, moved.environment)).rejects.toThrow();
  expect(moved.asked).toEqual(["POST /secret"]);
});

test("a receiver that doesn't answer is given up in time, and nobody says that nothing was done", async () => {
  await using silent = await receiver(() => {});
  const failure = await carryOut("notify", { text: "look" }, silent.environment).catch((error: unknown) => error);
  expect(failure).toBeInstanceOf(Error);
  expect(failure).not.toBeInstanceOf(NotDone);
  expect(String(failure)).not.toContain("secret");
});

test("a webhook of an empty name is none", async () => {
  const told = carryOut("notify", { text: "look" }, { OPERATOR_WEBHOOK_URL: "" });
  await expect(told).rejects.toMatchObject({ code: "WEBHOOK_MISSING" });
});

test("a notice is posted to the webhook; where there's none, or it refuses, nothing was done", async () => {
  const posted: unknown[] = [];
  let status = 204;
  const server = createServer(async (request, response) => {
    posted.push(JSON.parse(Buffer.concat(await request.toArray()).toString()));
    response.writeHead(status).end();
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion
  const { port } = server.address() as AddressInfo;
  const environment = { OPERATOR_WEBHOOK_URL: `http://127.0.0.1:${port}/secret` };
  const { effect } = await carryOut("notify", { text: "node-a is down" }, environment);
  expect(effect).toBe("told by the webhook, which answered 204: node-a is down");
  expect(posted).toEqual([{ target: "node-a", text: "node-a is down" }]);

  status = 500;
  const refused = await carryOut("notify", { text: "again" }, environment).catch((error: unknown) => error);
  expect(refused).toBeInstanceOf(NotDone);
  expect(refused).toMatchObject({ code: "WEBHOOK_REFUSED", message: "the webhook answered 500" });
  await expect(carryOut("notify", { text: "x" })).rejects.toMatchObject({ code: "WEBHOOK_MISSING" });
  server.close();
  server.closeAllConnections();
});

test("their parameters can be told to a model: flat, closed, bounded", () => {
  for (const { name, parameters } of tools) {
    expect(z.toJSONSchema(parameters), name).toMatchObject({ type: "object", additionalProperties: false });
  }
});
