import { FaultId } from "@operator/contracts/chaos";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { Lab, whyNoDocker } from "./lab.fixture.ts";

const why = await whyNoDocker();
if (why !== undefined) process.stdout.write(`docker-driver: skipped, ${why}\n`);

const id = (text: string) => FaultId.parse(text);
const long = (text: string) => ({ fault: id(text), forMs: 60_000 });
const short = (text: string) => ({ fault: id(text), forMs: 1_000 });

describe.skipIf(why !== undefined)("containers as members", () => {
  let lab: Lab;
  beforeEach(async () => {
    lab = await Lab.open();
  });
  afterEach(async () => await lab[Symbol.asyncDispose]());

  test("each verb does to the container what it says, and the list shows the engine's word on it", async () => {
    const node = await lab.member("node-a", { labels: { "operator.kind": "limiter" } });
    const { chaos, actuator } = await lab.supervise();
    const listed = async () => (await chaos.list()).map(({ target, kind, state }) => ({ target, kind, state }));
    expect(await listed()).toEqual([{ target: "node-a", kind: "limiter", state: "running" }]);

    await chaos.pause("node-a", long("p1"));
    expect([await lab.stateOf(node), (await listed())[0]?.state]).toEqual(["paused", "paused"]);
    await expect(actuator.start("node-a")).rejects.toMatchObject({ code: "MEMBER_PAUSED" });
    await chaos.unpause("node-a");
    expect(await lab.stateOf(node)).toBe("running");

    await chaos.kill("node-a", long("k1"));
    const { State } = await node.inspect();
    expect([State.Status, State.ExitCode, (await listed())[0]?.state]).toEqual(["exited", 137, "stopped"]);
    expect(await actuator.start("node-a")).toEqual({ already: false });
    expect(await lab.stateOf(node)).toBe("running");

    await chaos.stop("node-a");
    expect((await node.inspect()).State.ExitCode).toBe(143);
    expect(await chaos.start("node-a")).toEqual({ already: false });
  });

  test("what was killed or paused for a time comes back by itself", async () => {
    await lab.member("node-a");
    await lab.member("node-b");
    const { chaos } = await lab.supervise();
    await Promise.all([chaos.kill("node-a", short("k1")), chaos.pause("node-b", short("p1"))]);
    expect((await chaos.list()).map(({ state }) => state)).toEqual(["stopped", "paused"]);
    await vi.waitUntil(async () => (await chaos.list()).every(({ fault }) => fault === undefined), { timeout: 15_000 });
    expect((await chaos.list()).map(({ state }) => state)).toEqual(["running", "running"]);
  });

  test("a close brings back what is killed, paused or cut off", async () => {
    await lab.network("backend");
    const made = { networks: { backend: [] } };
    const nodes = [
      await lab.member("node-a", made),
      await lab.member("node-b", made),
      await lab.member("node-c", made),
    ];
    const { supervisor, chaos } = await lab.supervise();
    await Promise.all([
      chaos.kill("node-a", long("k1")),
      chaos.pause("node-b", long("p1")),
      chaos.disconnect("node-c", { ...long("d1"), network: "backend" }),
    ]);
    await supervisor.close();
    expect(await Promise.all(nodes.map((node) => lab.stateOf(node)))).toEqual(["running", "running", "running"]);
    expect(Object.keys((await nodes[2]?.inspect())?.NetworkSettings.Networks ?? {})).toEqual([lab.nameOf("backend")]);
  });

  test("a member that is paused is killed all the same, also by an engine that wants it to go on first", async () => {
    const node = await lab.member("node-a");
    const { chaos } = await lab.supervise();
    for (const engine of ["Docker", "another"]) {
      await node.pause();
      let refused = 0;
      lab.proxy.refuses = (asked) =>
        engine === "another" && asked.includes("/kill") && ++refused === 1 ? 409 : undefined;
      await chaos.kill("node-a", long(engine));
      expect((await node.inspect()).State.ExitCode, engine).toBe(137);
      await chaos.start("node-a");
    }
  });

  test("a kill that the engine refuses while it runs isn't tried in another way", async () => {
    const node = await lab.member("node-a");
    const { chaos } = await lab.supervise();
    lab.proxy.refuses = (asked) => (asked.includes("/kill") ? 409 : undefined);
    await expect(chaos.kill("node-a", long("k1"))).rejects.toMatchObject({
      code: "DRIVER_FAILED",
      message: expect.stringContaining("refused by the proxy"),
    });
    expect(await lab.stateOf(node)).toBe("running");
    expect(lab.proxy.asked.filter((asked) => asked.includes("/unpause"))).toEqual([]);
  });

  test("a start is answered when the container's own check finds it healthy", async () => {
    const script = "rm -f /tmp/up; sleep 1; touch /tmp/up; exec sleep 1000";
    const node = await lab.member("node-a", { idle: true, healthy: "test -e /tmp/up", script });
    const { actuator } = await lab.supervise();
    expect((await actuator.list())[0]?.state).toBe("stopped");
    await actuator.start("node-a");
    expect((await node.inspect()).State.Health?.Status).toBe("healthy");
  });

  test("a start that isn't healthy in time, or ends instead, is said", async () => {
    await lab.member("node-a", { idle: true, healthy: "false" });
    await lab.member("node-b", { idle: true, healthy: "false", script: "exit 9" });
    const { actuator } = await lab.supervise({ readyWithinMs: 1_500 });
    await expect(actuator.start("node-a")).rejects.toMatchObject({
      code: "DRIVER_FAILED",
      message: expect.stringMatching(/isn't ready after 1500 ms, but running and (starting|unhealthy)$/),
    });
    await expect(actuator.start("node-b")).rejects.toMatchObject({
      code: "DRIVER_FAILED",
      message: expect.stringContaining("didn't stay up: it is exited with 9"),
    });
  });

  test("a fault of a container that is removed meanwhile is over, and a new one in its place is left alone", async () => {
    const node = await lab.member("node-a");
    const { chaos } = await lab.supervise();
    await chaos.kill("node-a", short("k1"));
    await node.remove();
    expect(await chaos.revert(id("k1"))).toMatchObject({ already: false, fault: { ended: { by: "gone" } } });
    await lab.member("node-a", { idle: true });
    expect(await chaos.list()).toMatchObject([{ target: "node-a", state: "stopped" }]);
  });

  test("two containers of one target, or two networks of one name, are refused with both, whoever is asked for", async () => {
    await lab.member("node-a");
    await lab.container("twin", { labels: { "operator.target": "node-a" } });
    const { chaos } = await lab.supervise();
    const names = [lab.nameOf("node-a-1"), lab.nameOf("twin")];
    for (const ask of [() => chaos.list(), () => chaos.stop("node-a"), () => chaos.kill("node-b", long("k1"))]) {
      await expect(ask()).rejects.toMatchObject({
        code: "LABEL_AMBIGUOUS",
        message: expect.stringContaining(`${names.join(" and ")} both have the label operator.target=node-a`),
      });
    }
  });

  test("two networks of one name are refused", async () => {
    await lab.network("backend");
    await lab.network("backend-2", { "operator.network": "backend" });
    const { chaos } = await lab.supervise();
    await expect(chaos.list()).rejects.toMatchObject({
      code: "LABEL_AMBIGUOUS",
      message: expect.stringContaining("operator.network=backend"),
    });
  });
});
