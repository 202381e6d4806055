import { FaultId } from "@operator/contracts/chaos";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { Lab, whyNoDocker } from "./lab.fixture.ts";

const why = await whyNoDocker();
if (why !== undefined) process.stdout.write(`networks: skipped, ${why}\n`);

const id = (text: string) => FaultId.parse(text);
const off = (text: string, network: string, forMs = 60_000) => ({ fault: id(text), forMs, network });

describe.skipIf(why !== undefined)("members on networks", () => {
  let lab: Lab;
  beforeEach(async () => {
    lab = await Lab.open();
  });
  afterEach(async () => await lab[Symbol.asyncDispose]());

  test("a member that is cut off one network isn't reached there, and is again at the end, by all its names", async () => {
    await lab.network("backend");
    await lab.network("frontend");
    const node = await lab.member("node-a", {
      serves: true,
      networks: { backend: ["node-a", "limiter.local"], frontend: [] },
    });
    const peer = await lab.container("peer", { networks: { backend: [] } });
    const { chaos } = await lab.supervise();
    const networks = async () => (await chaos.list())[0]?.networks;
    // The service, as compose gives it; another alias; the container's own name.
    const names = ["node-a", "limiter.local", lab.nameOf("node-a-1")];
    const reached = async () => await Promise.all(names.map((name) => lab.reaches(peer, name)));
    await vi.waitUntil(async () => (await reached()).every((isSo) => isSo), { timeout: 15_000 });
    const aliases = async (): Promise<string[]> => {
      const { Networks } = (await node.inspect()).NetworkSettings;
      return [...(Networks[lab.nameOf("backend")]?.Aliases ?? [])].toSorted((a: string, b: string) =>
        a.localeCompare(b),
      );
    };
    const before = await aliases();

    await chaos.disconnect("node-a", off("d1", "backend"));
    expect(await networks()).toEqual({ connected: ["frontend"], cut: ["backend"] });
    expect((await chaos.list())[0]?.fault).toMatchObject({ id: "d1", verb: "disconnect", network: "backend" });
    expect(await reached()).toEqual([false, false, false]);

    await chaos.revert(id("d1"));
    expect(await networks()).toEqual({ connected: ["backend", "frontend"], cut: [] });
    expect(await reached()).toEqual([true, true, true]);
    expect(await aliases()).toEqual(before);
  });

  test("its end is held; a connect ends it early, a start doesn't; and no other network is touched", async () => {
    await lab.network("backend");
    await lab.network("frontend");
    const node = await lab.member("node-a", { networks: { backend: [], frontend: [] } });
    const { chaos, actuator } = await lab.supervise();
    const state = async () => {
      const [member] = await chaos.list();
      return { cut: member?.networks?.cut, fault: member?.fault?.id };
    };
    await chaos.disconnect("node-a", off("d1", "backend", 1_000));
    await vi.waitUntil(async () => (await state()).fault === undefined, { timeout: 10_000 });
    expect(await state()).toEqual({ cut: [], fault: undefined });

    await chaos.disconnect("node-a", off("d2", "frontend"));
    // Killed behind its back, and started: it's as cut off as before.
    await node.kill();
    expect(await actuator.start("node-a")).toEqual({ already: false });
    expect(await state()).toEqual({ cut: ["frontend"], fault: "d2" });
    expect(await chaos.connect("node-a", "backend")).toEqual({ already: true });
    expect(await state()).toEqual({ cut: ["frontend"], fault: "d2" });
    expect(await chaos.connect("node-a", "frontend")).toEqual({ already: false });
    expect(await chaos.revert(id("d2"))).toMatchObject({ already: true, fault: { ended: { by: "connect" } } });
    expect(await state()).toEqual({ cut: [], fault: undefined });
  });

  test("a member that ended meanwhile is taken back as well, and is reached again once it runs", async () => {
    await lab.network("backend");
    const node = await lab.member("node-a", { serves: true, networks: { backend: ["node-a"] } });
    const peer = await lab.container("peer", { networks: { backend: [] } });
    const { chaos, actuator } = await lab.supervise();
    await chaos.disconnect("node-a", off("d1", "backend"));
    await node.kill();
    expect(await chaos.revert(id("d1"))).toMatchObject({ already: false, fault: { ended: { by: "revert" } } });
    expect((await chaos.list())[0]).toMatchObject({ state: "stopped", networks: { connected: ["backend"], cut: [] } });
    await actuator.start("node-a");
    await vi.waitUntil(() => lab.reaches(peer, "node-a"), { timeout: 15_000 });
  });

  test("a network without a label, of another project, or that isn't the member's, doesn't exist", async () => {
    await lab.network("backend");
    await lab.network("elsewhere");
    await lab.network("plain", { "operator.network": undefined });
    await lab.network("foreign", { "com.docker.compose.project": `${lab.project}-2` });
    const networks = { backend: [], plain: [], foreign: [] };
    const node = await lab.member("node-a", { networks });
    const { chaos } = await lab.supervise();
    expect((await chaos.list())[0]?.networks).toEqual({ connected: ["backend"], cut: [] });
    for (const network of ["plain", "foreign", "elsewhere", "bridge", lab.nameOf("backend"), "../backend"]) {
      const refused = {
        code: "NETWORK_UNKNOWN",
        message: `node-a has no network ${JSON.stringify(network)}: there are backend`,
      };
      await expect(chaos.disconnect("node-a", off("d1", network)), network).rejects.toMatchObject(refused);
      await expect(chaos.connect("node-a", network), network).rejects.toMatchObject(refused);
    }
    expect(Object.keys((await node.inspect()).NetworkSettings.Networks).toSorted()).toEqual(
      Object.keys(networks)
        .map((name) => lab.nameOf(name))
        .toSorted(),
    );
  });

  test("what doesn't fit is refused: cut off already, stopped, an id that is another's", async () => {
    await lab.network("backend");
    await lab.network("frontend");
    const node = await lab.member("node-a", { networks: { backend: [], frontend: [] } });
    const { chaos } = await lab.supervise();
    const first = await chaos.disconnect("node-a", off("d1", "backend"));
    expect(await chaos.disconnect("node-a", off("d1", "backend"))).toEqual({ ...first, already: true });
    await expect(chaos.disconnect("node-a", off("d1", "frontend"))).rejects.toMatchObject({
      code: "FAULT_CONTRADICTS",
      message: expect.stringContaining(`disconnect of node-a from "backend"`),
    });
    await expect(chaos.kill("node-a", { fault: id("k1"), forMs: 60_000 })).rejects.toMatchObject({
      code: "FAULT_RUNNING",
    });
    await chaos.revert(id("d1"));
    await node.stop({ t: 0 });
    await expect(chaos.disconnect("node-a", off("d2", "backend"))).rejects.toMatchObject({ code: "NOT_RUNNING" });
  });
});
