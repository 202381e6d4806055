import { join } from "node:path";
import { FaultEvent } from "@operator/contracts/chaos";
import type { Fault } from "@operator/subject/fault";
import { chaosClient } from "@operator/supervisor/client";
import { superviseMembers } from "@operator/supervisor/members.fixture";
import { networked } from "@operator/supervisor/networked.fixture";
import { Supervisor } from "@operator/supervisor/server";
import { expect, test } from "vitest";
import { inject, look, revert } from "./effect.ts";

const cutMember: Fault = {
  name: "cut_member",
  title: "A member is cut off its backend",
  cause: "unreachable",
  targets: (members) => members.map(({ target }) => target),
  ttlMs: { default: 2_000, max: 60_000 },
  breaks: () => undefined,
  by: "supervisor",
  verb: "disconnect",
  network: "backend",
};

test("a member is cut off the network that the fault names, which the list proves, and taken back", async () => {
  await using given = await superviseMembers({ targets: ["member-a"] });
  const driver = networked(given.driver, ["backend", "frontend"]);
  await using supervisor = await Supervisor.start({ driver, folder: join(given.folder, "networked") });
  await using client = chaosClient(supervisor.sockets.chaos);
  const hands = { supervisor: client, environment: {} };
  const { signal } = new AbortController();
  const began = FaultEvent.parse({
    id: "c1",
    subject: "example",
    fault: "cut_member",
    target: "member-a",
    phase: "injecting",
    by: "ann",
    atMs: Date.now(),
    parameters: {},
    ttlMs: 60_000,
    text: "chaos-1 does it",
  });
  const record = { began, sequence: 1, since: {} };

  expect((await inject(cutMember, began, hands, signal)).text).toBe("the supervisor did disconnect member-a");
  expect((await client.list())[0]?.networks).toEqual({ connected: ["frontend"], cut: ["backend"] });
  expect(await look(cutMember, record, hands, signal)).toEqual({
    kind: "effective",
    text: "the supervisor says that member-a is running, cut off backend",
  });
  // Somebody took it back beside the supervisor: the fault is held, and nothing is to be seen of it.
  await driver.networks?.connect("member-a", "backend");
  expect((await look(cutMember, record, hands, signal)).kind).toBe("nothing");
  await driver.networks?.disconnect("member-a", "backend");
  await revert(cutMember, record, hands, signal);
  expect((await client.list())[0]).toMatchObject({ networks: { cut: [] } });
  expect((await look(cutMember, record, hands, signal)).kind).toBe("over");
});
