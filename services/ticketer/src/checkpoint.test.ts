import { Bus } from "@operator/bus/bus";
import { flow } from "@operator/contracts/flow";
import { InstanceName } from "@operator/contracts/names";
import { type NatsServer, startProvisionedNats } from "@operator/stack/nats-server";
import { provision } from "@operator/bus/provision";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Checkpoint } from "@operator/service/checkpoint";
import { violation } from "./events.fixture.ts";

let nats: NatsServer;
const buses: Bus[] = [];
beforeAll(async () => {
  nats = await startProvisionedNats();
});
afterAll(async () => {
  for (const bus of buses) await bus.close();
  await nats.stop();
});

async function as(user: "ticketer" | "checker" | "provision") {
  const instance = InstanceName.parse(`test-${user}`);
  const bus = await Bus.connect({ servers: nats.url, user, password: nats.passwords[user], instance });
  buses.push(bus);
  return bus;
}

test("reading begins with the first message, and goes on where any ticketer has come to", async () => {
  const bus = await as("ticketer");
  const [one, another] = [await Checkpoint.open(bus, "VIOLATIONS"), await Checkpoint.open(bus, "VIOLATIONS")];
  expect(one.from).toBe("first");
  one.reached(7);
  await one.save();
  another.reached(5);
  await another.save();
  expect((await Checkpoint.open(bus, "VIOLATIONS")).from).toEqual({ after: 7 });
});

test("a stream that was made anew is read from its first message, however many it has by then", async () => {
  const [bus, admin, checker] = [await as("ticketer"), await as("provision"), await as("checker")];
  const before = await Checkpoint.open(bus, "VIOLATIONS");
  before.reached(9);
  await before.save();
  await admin.link.api.streams.delete("VIOLATIONS");
  await provision(admin);
  for (let at = 1; at <= 20; at++) await checker.publish(flow.violation, violation(at));
  const after = await Checkpoint.open(bus, "VIOLATIONS");
  expect(after.from).toBe("first");

  // Who was running then starts over, and writes a lower place than the one that is there.
  await before.begunAnew();
  before.reached(3);
  await before.save();
  expect((await Checkpoint.open(bus, "VIOLATIONS")).from).toEqual({ after: 3 });
});
