import { flow } from "@operator/contracts/flow";
import { startProvisionedNats } from "@operator/stack/nats-server";
import { expect, test } from "vitest";
import { connectAs, until, violationOf } from "./bus.fixture.ts";
import { CuttingProxy } from "./cutting-proxy.fixture.ts";
import { readInOrder } from "./read-in-order.ts";

test(
  "a message whose acknowledgement was lost is sent again under its id, and stored once",
  { timeout: 30_000 },
  async () => {
    await using server = await startProvisionedNats();
    await using proxy = await CuttingProxy.start(server.port);
    await using checker = await connectAs({ url: proxy.url, passwords: server.passwords }, "checker");
    const lost = proxy.loseAnswerTo("s.node_down.a:firing:1");
    const sending = checker.publish(flow.violation, violationOf("s", "a", 1));
    await lost;
    expect(await sending).toEqual({ sequence: 1, stored: "repeat" });
    expect((await (await connectAs(server, "provision")).streamState("VIOLATIONS")).messages).toBe(1);
  },
);

test("the bus killed and started again under 16 senders: every message stored, once", { timeout: 60_000 }, async () => {
  await using server = await startProvisionedNats();
  await using checker = await connectAs(server, "checker");
  await using ticketer = await connectAs(server, "ticketer");
  let sent = 0;
  const sending = Promise.all(
    Array.from({ length: 16 }, async (_, sender) => {
      for (let n = 1; n <= 60; n++) {
        await checker.publish(flow.violation, violationOf("s", `t${sender}`, n));
        sent++;
      }
    }),
  );
  const seen: string[] = [];
  const signal = AbortSignal.timeout(50_000);
  const reading = (async () => {
    for await (const { received } of readInOrder(ticketer, flow.violation, { from: "first", signal })) {
      seen.push(...received.map(({ id }) => id));
      if (seen.length >= 16 * 60) return;
    }
  })();
  for (const many of [150, 400, 700]) {
    await until(() => sent >= many);
    await server.restart();
  }
  await Promise.all([sending, reading]);
  expect(new Set(seen).size).toBe(16 * 60);
  expect(seen).toHaveLength(16 * 60);
  // Each sender's messages in the order that it sent them.
  for (let sender = 0; sender < 16; sender++) {
    const own = seen.filter((id) => id.startsWith(`s.node_down.t${sender}:`)).map((id) => Number(id.split(":")[2]));
    expect(own).toEqual(Array.from({ length: 60 }, (_, at) => at + 1));
  }
});
