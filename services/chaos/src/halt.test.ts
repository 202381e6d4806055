import { HaltLever, leverAtFirst } from "@operator/contracts/chaos";
import { flow } from "@operator/contracts/flow";
import { afterAll, beforeAll, expect, test } from "vitest";
import { eventually, Lab } from "./chaos.fixture.ts";
import { Lever } from "./lever.ts";

let lab: Lab;
beforeAll(async () => {
  lab = await Lab.open();
});
afterAll(async () => await lab[Symbol.asyncDispose]());

const fault = { subject: "example", fault: "mark_member", ttlMs: 60_000 };

test("a halt takes back all that runs, and refuses what is new until it's lifted, over a restart too", async () => {
  const first = await lab.chaos();
  await lab.say({ ...fault, target: "member-a", id: "api" });
  await lab.say({ ...fault, fault: "pause_member", target: "member-b", id: "paused", force: true });
  await lab.until("api", "proved");
  await lab.until("paused", "proved");
  await lab.say({ halt: true, by: "ann", reason: "an incident" });
  for (const id of ["api", "paused"]) {
    const events = await lab.until(id, "reverted");
    expect(events.at(-2)).toMatchObject({ phase: "reverting", by: "ann", text: "chaos was halted" });
  }
  expect(lab.isMarked("member-a")).toBe(false);
  expect(await lab.stateOf("member-b")).toBe("running");

  await first.kill();
  await lab.chaos();
  await lab.say({ ...fault, target: "member-a", id: "new" });
  expect((await lab.until("new", "refused"))[0]).toMatchObject({ code: "HALTED" });
  expect(lab.isMarked("member-a")).toBe(false);

  await lab.say({ halt: false, by: "ann" });
  await lab.say({ ...fault, target: "member-a", id: "again", ttlMs: 1_000 });
  await lab.until("again", "proved");
});

test("a halt that comes while a fault begins stops it before its effect, or takes it back", async () => {
  await Promise.all([lab.chaos(), lab.chaos()]);
  for (let round = 0; round < 5; round += 1) {
    const id = `race-${round}`;
    await Promise.all([lab.say({ ...fault, target: "member-c", id }), lab.say({ halt: true })]);
    await lab.obeyed();
    await eventually("nothing is left of it", () => !lab.isMarked("member-c"));
    const phases = (
      await lab.read(flow.fault, (events) =>
        events.some((event) => event.id === id && ["refused", "reverted"].includes(event.phase)),
      )
    ).filter((event) => event.id === id);
    expect(phases.length).toBeGreaterThan(0);
    await lab.say({ halt: false });
    await lab.obeyed();
  }
});

test("the newest word holds: an older one that comes again doesn't lift a halt, and doesn't halt", async () => {
  const lever = new Lever(await (await lab.as("chaos")).bucket("chaos", HaltLever));
  const word = (halted: boolean, sequence: number) =>
    HaltLever.parse({ ...leverAtFirst, halted, by: "ann", atMs: Date.now() + 1_000_000, sequence });
  const [lift, halt] = [word(false, 1), word(true, 2)];
  await lever.move(lift);
  await lever.move({ ...halt, atMs: lift.atMs });
  expect(await lever.move(lift)).toMatchObject({ halted: true });
  expect(await lever.read()).toMatchObject({ halted: true, sequence: 2 });
});
