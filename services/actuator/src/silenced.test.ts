import { Silence } from "@operator/contracts/silence";
import { expect, test } from "vitest";
import { Acting } from "./acting.fixture.ts";
import { Staged } from "./staged.fixture.ts";

test("an approved action isn't begun while its target is silenced, and is when that's over", async () => {
  const staged = await Staged.start();
  await using acting = await Acting.at(staged);
  const ada = acting.person("ada");
  await acting.actuator();
  await acting.execute(ada);
  const ticket = await staged.broken("node-1");
  const action = await acting.proposed(ticket, { action: "restart_node", target: "node-1", parameters: {} });

  const nowMs = Date.now();
  const about = { id: "0000aaaa", subject: ticket.subject, target: "node-1", by: "ada", reason: "a drill" };
  const silence = Silence.parse({ ...about, atMs: nowMs, untilMs: nowMs + 600_000 });
  const silences = await acting.cli.bucket("silences", Silence);
  await silences.create(silence.id, silence);
  await acting.say(ada, action);
  await acting.action(action.id, "approved");
  await acting.beats();
  expect((await acting.actions.get(action.id))?.value.state).toBe("approved");
  expect(staged.startsOf("node-1")).toBe(0);

  await silences.remove(silence.id);
  await acting.action(action.id, "executed");
  expect(staged.startsOf("node-1")).toBe(1);
});
