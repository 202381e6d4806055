import { mkdtempDisposableSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { FaultId } from "@operator/contracts/chaos";
import { expect, test, vi } from "vitest";
import { superviseMembers } from "./members.fixture.ts";

const k1 = FaultId.parse("k1");
const fault = (endsInMs: number) => ({
  effect: { verb: "kill", target: "member-a" },
  id: k1,
  beganAtMs: Date.now() - 1_000,
  endsAtMs: Date.now() + endsInMs,
});

test("a fault that runs stands in the file before its effect, and is gone from it with its end", async () => {
  using folder = mkdtempDisposableSync(join(tmpdir(), "operator-faults-"));
  const faultsFile = join(folder.path, "faults.json");
  await using given = await superviseMembers({ faultsFile });
  await given.chaos.kill("member-a", { fault: k1, forMs: 60_000 });
  expect(JSON.parse(readFileSync(faultsFile, "utf8"))).toMatchObject([
    { id: "k1", effect: { verb: "kill", target: "member-a" } },
  ]);
  await given.chaos.revert(k1);
  expect(JSON.parse(readFileSync(faultsFile, "utf8"))).toEqual([]);
});

test("a fault of a supervisor that was killed is held to its end by the next", async () => {
  using folder = mkdtempDisposableSync(join(tmpdir(), "operator-faults-"));
  const faultsFile = join(folder.path, "faults.json");
  writeFileSync(faultsFile, JSON.stringify([fault(3_000)]));
  await using given = await superviseMembers({ faultsFile });
  await given.member("member-a").kill();
  expect((await given.chaos.list())[0]).toMatchObject({ state: "stopped", fault: { id: "k1", verb: "kill" } });
  await vi.waitUntil(async () => !(await given.chaos.list())[0]?.fault, { timeout: 15_000 });
  expect((await given.chaos.list())[0]?.state).toBe("running");
});

test("one whose time is over is ended at once", async () => {
  using folder = mkdtempDisposableSync(join(tmpdir(), "operator-faults-"));
  const faultsFile = join(folder.path, "faults.json");
  writeFileSync(faultsFile, JSON.stringify([fault(-5_000)]));
  await using given = await superviseMembers({ faultsFile });
  await vi.waitUntil(async () => !(await given.chaos.list())[0]?.fault, { timeout: 5_000 });
  expect(JSON.parse(readFileSync(faultsFile, "utf8"))).toEqual([]);
});

test.each([
  ["no JSON", "["],
  ["another shape", '[{"id":1}]'],
])("a file with %s isn't taken for none", async (_, text) => {
  using folder = mkdtempDisposableSync(join(tmpdir(), "operator-faults-"));
  const faultsFile = join(folder.path, "faults.json");
  writeFileSync(faultsFile, text);
  await expect(superviseMembers({ faultsFile })).rejects.toMatchObject({ code: "STATE_UNREADABLE" });
});
