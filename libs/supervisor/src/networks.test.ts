import { join } from "node:path";
import { FaultId } from "@operator/contracts/chaos";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { type ChaosClient, chaosClient } from "./client.ts";
import { type SupervisedMembers, superviseMembers } from "./members.fixture.ts";
import { networked } from "./networked.fixture.ts";
import { Supervisor } from "./server.ts";

const id = (text: string) => FaultId.parse(text);
const off = (text: string, network: string, forMs = 60_000) => ({ fault: id(text), forMs, network });

let given: SupervisedMembers;
let supervisor: Supervisor;
let chaos: ChaosClient;
beforeEach(async () => {
  given = await superviseMembers({ targets: ["member-a"] });
  const driver = networked(given.driver, ["backend", "frontend"]);
  supervisor = await Supervisor.start({ driver, folder: join(given.folder, "networked"), retryMs: 50 });
  chaos = chaosClient(supervisor.sockets.chaos);
});
afterEach(async () => {
  await supervisor.close();
  await chaos[Symbol.asyncDispose]();
  await given[Symbol.asyncDispose]();
});

async function seen() {
  const [member] = await chaos.list();
  return { cut: member?.networks?.cut, fault: member?.fault?.id };
}

test("a member is cut off for a time, which is listed with the network, and comes back by itself", async () => {
  const { fault } = await chaos.disconnect("member-a", off("d1", "backend", 1_000));
  expect(fault).toMatchObject({ id: "d1", verb: "disconnect", target: "member-a", network: "backend" });
  expect((await chaos.list())[0]).toMatchObject({
    networks: { connected: ["frontend"], cut: ["backend"] },
    fault: { id: "d1", verb: "disconnect", network: "backend" },
  });
  await vi.waitUntil(async () => (await seen()).fault === undefined, { timeout: 10_000 });
  expect(Date.now()).toBeGreaterThanOrEqual(fault.endsAtMs - 5);
  expect((await seen()).cut).toEqual([]);
});

test("a connect ends it early, one to another network doesn't; nor does a start", async () => {
  await chaos.disconnect("member-a", off("d1", "backend"));
  expect(await chaos.connect("member-a", "frontend")).toEqual({ already: true });
  await given.member("member-a").kill();
  expect(await chaos.start("member-a")).toEqual({ already: false });
  expect(await seen()).toEqual({ cut: ["backend"], fault: "d1" });
  expect(await chaos.connect("member-a", "backend")).toEqual({ already: false });
  expect(await chaos.revert(id("d1"))).toMatchObject({ already: true, fault: { ended: { by: "connect" } } });
  expect(await seen()).toEqual({ cut: [], fault: undefined });
});

test("an id is one fault on one network", async () => {
  const first = await chaos.disconnect("member-a", off("d1", "backend"));
  expect(await chaos.disconnect("member-a", off("d1", "backend"))).toEqual({ ...first, already: true });
  await expect(chaos.disconnect("member-a", off("d1", "frontend"))).rejects.toMatchObject({
    code: "FAULT_CONTRADICTS",
    message: expect.stringContaining(`made before, as disconnect of member-a from "backend"`),
  });
  await expect(chaos.disconnect("member-a", off("d2", "frontend"))).rejects.toMatchObject({ code: "FAULT_RUNNING" });
  await chaos.revert(id("d1"));
  expect(await chaos.disconnect("member-a", off("d2", "frontend"))).toMatchObject({ already: false });
});

test("what doesn't fit is refused", async () => {
  const refused = { code: "NETWORK_UNKNOWN", message: `member-a has no network "x": there are backend, frontend` };
  await expect(chaos.disconnect("member-a", off("d1", "x"))).rejects.toMatchObject(refused);
  await expect(chaos.connect("member-a", "x")).rejects.toMatchObject(refused);
  await expect(chaos.disconnect("member-a", off("d1", "backend", 999))).rejects.toMatchObject({ code: "BAD_TIME" });
  await chaos.stop("member-a");
  await expect(chaos.disconnect("member-a", off("d1", "backend"))).rejects.toMatchObject({ code: "NOT_RUNNING" });
});
