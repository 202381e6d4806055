import { readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { Program } from "./program.ts";
import { programDriver } from "./program-driver.ts";

test("one that has just been killed is stopped and can be started, though its end isn't told yet", async () => {
  const folder = await mkdtemp(join(tmpdir(), "operator-driver-"));
  const program = await Program.start({
    name: "member-a",
    file: process.execPath,
    arguments: ["-e", `console.log("ready"); setInterval(() => {}, 1000)`],
    environment: {},
    logFile: join(folder, "log"),
    ready: { line: "ready" },
  });
  try {
    const driver = programDriver(new Map([["member-a", program]]), new Map([["member-a", "example"]]));
    const { pid } = program;
    process.kill(pid, "SIGKILL");
    // Without a turn of the event loop, in which its end would be told.
    while (!readFileSync(`/proc/${pid}/stat`, "utf8").includes(") Z ")) continue;
    expect(program.running).toBe(true);
    const [members, started] = [driver.members(), driver.start("member-a")];
    expect(await members).toEqual([{ target: "member-a", kind: "example", state: "stopped" }]);
    await started;
    expect(program.pid).not.toBe(pid);
  } finally {
    await program.kill();
    await rm(folder, { recursive: true });
  }
});
