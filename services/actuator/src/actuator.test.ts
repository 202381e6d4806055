import { afterAll, beforeAll, expect, test } from "vitest";
import { Acting, type Person, realLimiter } from "./acting.fixture.ts";

let acting: Acting<Awaited<ReturnType<typeof realLimiter>>>;
let ada: Person;
beforeAll(async () => {
  acting = await Acting.at(await realLimiter());
  ada = acting.person("ada");
  await acting.actuator();
}, 60_000);
afterAll(async () => await acting[Symbol.asyncDispose]());

test(
  "a killed node is started again by an approved action, once, and verified by the checker's word",
  { timeout: 120_000 },
  async () => {
    await acting.execute(ada);
    await acting.place.stack.member("node-a").kill();
    const ticket = await acting.ticket("node-a");
    await acting.diagnose(ticket, [{ action: "restart_node", target: "node-a", parameters: {} }]);
    const proposed = await acting.action(`${ticket.id}.1.1`, "proposed");
    expect(acting.place.stack.member("node-a").running, "nothing is done without a word").toBe(false);
    await acting.say(ada, proposed);
    const verified = await acting.action(proposed.id, "verified");
    expect(verified.steps.map(({ state }) => state)).toEqual([
      "proposed",
      "approved",
      "claimed",
      "executed",
      "verified",
    ]);
    expect(acting.place.stack.member("node-a").running).toBe(true);
  },
);
