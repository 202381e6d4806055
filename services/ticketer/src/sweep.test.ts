import { Bus } from "@operator/bus/bus";
import { InstanceName, TargetName } from "@operator/contracts/names";
import { Ticket } from "@operator/contracts/ticket";
import { violationKeyOf } from "@operator/contracts/violation";
import { startProvisionedNats } from "@operator/stack/nats-server";
import { expect, test, vi } from "vitest";
import { z } from "zod";
import { saying, violation } from "./events.fixture.ts";
import { Sweep } from "./sweep.ts";
import { Tickets } from "./tickets.ts";

const signal = new AbortController().signal;

test("a sweep looks at all once, then at what was written since, and at all again after a minute", async () => {
  await using nats = await startProvisionedNats();
  const at = { servers: nats.url, user: "ticketer", password: nats.passwords.ticketer } as const;
  const bus = await Bus.connect({ ...at, instance: InstanceName.parse("test") });
  const tickets = new Tickets(await bus.bucket("tickets", Ticket), { written: () => {}, read: () => {} });
  const open = async (...names: string[]) => {
    for (const name of names) {
      const said = violation(1, { target: TargetName.parse(name) });
      await tickets.fold(violationKeyOf(said), () => [saying(said)]);
    }
  };
  let seen: string[] = [];
  let unreadable = 0;
  const sweep = new Sweep(tickets, {
    ticket: ({ target }) => seen.push(target),
    unreadable: () => unreadable++,
  });
  let nowMs = 1_000;
  vi.spyOn(performance, "now").mockImplementation(() => nowMs);
  const after = async (ms: number) => {
    nowMs += ms;
    [seen, unreadable] = [[], 0];
    await sweep.tick(signal);
    return { seen, unreadable };
  };
  try {
    await open("node-a", "node-b");
    await (await bus.bucket("tickets", z.unknown())).create("ratelimiter.unreadable.node-x", {});
    expect(await after(0), "at once").toEqual({ seen: ["node-a", "node-b"], unreadable: 1 });
    await open("node-c");
    expect(await after(1_000), "too early").toEqual({ seen: [], unreadable: 0 });
    expect(await after(5_000), "what is new").toEqual({ seen: ["node-c"], unreadable: 0 });
    expect(await after(5_000), "nothing is new").toEqual({ seen: [], unreadable: 0 });
    expect(await after(60_000), "all again").toEqual({ seen: ["node-a", "node-b", "node-c"], unreadable: 1 });
  } finally {
    vi.restoreAllMocks();
    await bus.close();
  }
});
