import { patternOf, type UserName } from "@operator/contracts/channel";
import { FaultEvent } from "@operator/contracts/chaos";
import { flow } from "@operator/contracts/flow";
import { startProvisionedNats, type NatsServer } from "@operator/stack/nats-server";
import { Bus } from "@operator/bus/bus";
import { permissionsOf } from "@operator/bus/permissions";
import { readInOrder } from "@operator/bus/read-in-order";
import { InstanceName } from "@operator/contracts/names";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

// The journal is the ground truth against which the loop is measured: the loop itself can't look it up.

let nats: NatsServer;
let connect: (user: UserName) => Promise<Bus>;
const buses: Bus[] = [];
const event = FaultEvent.parse({
  id: "f-1",
  subject: "example",
  fault: "kill_member",
  target: "member-a",
  phase: "injecting",
  atMs: 1,
  by: "ann",
  parameters: {},
  ttlMs: 1_000,
  text: "it is about to be killed",
});
const address = "operator.fault.example.f-1.injecting";

beforeAll(async () => {
  nats = await startProvisionedNats();
  connect = async (user) => {
    const instance = InstanceName.parse(`${user}-test`);
    const bus = await Bus.connect({ servers: nats.url, user, password: nats.passwords[user], instance });
    buses.push(bus);
    return bus;
  };
  await (await connect("chaos")).publish(flow.fault, event);
});
afterAll(async () => {
  await Promise.all(buses.map((bus) => bus.close()));
  await nats.stop();
});

const loop = ["observer", "checker", "ticketer", "diagnoser", "actuator", "notifier"] as const satisfies UserName[];

describe.for(loop)("the %s", (user) => {
  test("can't read the journal, by its newest message or in order", async () => {
    const bus = await connect(user);
    await expect(bus.last(flow.fault, address)).rejects.toThrow(/Permissions Violation/);
    const reading = readInOrder(bus, flow.fault, { from: "first", signal: AbortSignal.timeout(20_000) });
    await expect(reading.next()).rejects.toThrow(/Permissions Violation/);
  });

  test("can't listen to it as it's written, nor read the halt", async () => {
    const bus = await connect(user);
    const { connection } = bus.link;
    for (const filter of [address, patternOf(flow.fault), "operator.fault.>", "operator.>", "operator.chaos.>"]) {
      const refused = Promise.withResolvers<string>();
      connection.subscribe(filter, { callback: (error) => refused.resolve(String(error)) });
      await expect(refused.promise, filter).resolves.toMatch(/Permissions Violation/);
    }
    await expect(bus.link.api.direct.getMessage("KV_chaos", { last_by_subj: "$KV.chaos.lever" })).rejects.toThrow(
      /Permissions Violation/,
    );
  });

  test("is given no address of it", () => {
    const { publish, subscribe } = permissionsOf(user);
    expect(
      [...publish, ...subscribe].filter((one) => /FAULTS|CHAOS|operator\.fault|operator\.chaos/.test(one)),
    ).toEqual([]);
  });
});

test("the command line can read it", async () => {
  expect((await (await connect("cli")).last(flow.fault, address))?.message).toEqual(event);
});
