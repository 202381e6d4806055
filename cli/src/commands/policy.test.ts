import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { z } from "zod";
import { Desk } from "../cli.fixture.ts";

let desk: Desk;
beforeEach(() => {
  desk = new Desk();
});
afterEach(() => desk[Symbol.dispose]());

const read = (policy: string, ...argv: string[]) => {
  const file = join(desk.root, "policy.yaml");
  desk.write(file, policy);
  return desk.run(["policy", "test", "--policy", file, ...argv]);
};
const Decided = z.object({
  actions: z.array(z.looseObject({ action: z.string(), decision: z.string(), rule: z.string() })),
  perHourMax: z.number(),
});

test("says of each action what is decided, and by which line", async () => {
  const policy = `
risks: { low: auto, high: deny }
subjects:
  ratelimiter:
    actions: { restart_node: propose }
perHourMax: 3
`;
  const ended = await read(policy, "--subject", "ratelimiter", "--json");
  expect(ended).toMatchObject({ code: 0, err: "" });
  const { actions, perHourMax } = Decided.parse(JSON.parse(ended.out));
  expect(perHourMax).toBe(3);
  expect(actions).toContainEqual(
    expect.objectContaining({
      action: "restart_node",
      decision: "propose",
      rule: "subjects.ratelimiter.actions.restart_node",
    }),
  );
  for (const { action, risk, decision } of actions) {
    const expected = { low: "auto", medium: "propose", high: "deny" }[String(risk)];
    if (action !== "restart_node") expect(decision, action).toBe(expected);
  }
  expect((await read(policy)).out).toMatch(/propose +ratelimiter +restart_node +\w+ +subjects\.ratelimiter/);
});

test.for<[string, string]>([
  ["risks: { low: atuo }", "risks.low"],
  ["subjects: { ratelimiter: { actions: { restart_nod: deny } } }", 'did you mean "restart_node"?'],
  ["subjects: { ratelimitr: {} }", 'did you mean "ratelimiter"?'],
  ["{", "YAML"],
])("%s is refused: %s", async ([policy, says]) => {
  const ended = await read(policy);
  expect(ended.code).toBeGreaterThan(0);
  expect(ended.err.replaceAll(/\s+/g, " ")).toContain(says);
  expect(ended.out).toBe("");
});

test("a file that isn't there is said", async () => {
  expect(await desk.run(["policy", "test", "--policy", "none.yaml"])).toMatchObject({
    code: 78,
    err: expect.stringContaining("POLICY_MISSING"),
  });
});
