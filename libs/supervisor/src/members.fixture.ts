import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Program } from "@operator/stack/program";
import { programDriver } from "@operator/stack/program-driver";
import { type ActuatorClient, actuatorClient, type ChaosClient, chaosClient } from "./client.ts";
import type { Driver } from "./driver.ts";
import { Supervisor, type SupervisorOptions } from "./server.ts";

/** Shorter than its default, for tests. */
export const retryMs = 50;

/** A member: notes each start in a file; other files beside it are its marks. */
const script = `
const { appendFileSync, existsSync } = require("node:fs");
const [file] = process.argv.slice(1);
appendFileSync(file + ".starts", process.pid + "\\n");
if (existsSync(file + ".broken")) process.exit(9);
process.on("SIGTERM", () => existsSync(file + ".stubborn") || process.exit(0));
setInterval(() => {}, 1000);
const ready = () => (existsSync(file + ".slow") ? setTimeout(ready, 5) : console.log("ready"));
ready();
`;

/** What a member does while it's marked so: it ends when started, isn't ready, or ignores that it should end. */
type Mark = "broken" | "slow" | "stubborn";

export interface SupervisedMembers extends AsyncDisposable {
  folder: string;
  members: Map<string, Program>;
  supervisor: Supervisor;
  chaos: ChaosClient;
  actuator: ActuatorClient;
  driver: Driver;
  member(target: string): Program;
  /** How often a member was started, the first time included. */
  startsOf(target: string): Promise<number>;
  mark(target: string, mark: Mark): Promise<void>;
  unmark(target: string, mark: Mark): Promise<void>;
}

/** A supervisor over real processes, `member-a` and `member-b` unless told. */
export async function superviseMembers(
  options: Partial<SupervisorOptions> & { targets?: string[] } = {},
): Promise<SupervisedMembers> {
  const { targets = ["member-a", "member-b"], ...limits } = options;
  const folder = await mkdtemp(join(tmpdir(), "operator-members-"));
  const members = new Map<string, Program>();
  const fileOf = (target: string) => join(folder, encodeURIComponent(target));
  for (const target of targets) {
    const program = await Program.start({
      name: target,
      file: process.execPath,
      arguments: ["-e", script, fileOf(target)],
      environment: {},
      logFile: `${fileOf(target)}.log`,
      ready: { line: "ready" },
    });
    members.set(target, program);
  }
  const driver = programDriver(members, new Map(targets.map((target) => [target, "example"])));
  const supervisor = await Supervisor.start({ driver, folder: join(folder, "supervisor"), retryMs, ...limits });
  const chaos = chaosClient(supervisor.sockets.chaos);
  const actuator = actuatorClient(supervisor.sockets.actuator);
  return {
    folder,
    members,
    supervisor,
    chaos,
    actuator,
    driver,
    member: (target) => {
      const program = members.get(target);
      if (!program) throw new Error(`no member "${target}"`);
      return program;
    },
    startsOf: async (target) => (await readFile(`${fileOf(target)}.starts`, "utf8")).trim().split("\n").length,
    mark: (target, mark) => writeFile(`${fileOf(target)}.${mark}`, ""),
    unmark: (target, mark) => rm(`${fileOf(target)}.${mark}`),
    [Symbol.asyncDispose]: async () => {
      await supervisor.close().catch(() => {});
      await chaos[Symbol.asyncDispose]();
      await actuator[Symbol.asyncDispose]();
      for (const program of members.values()) await program.kill();
      await rm(folder, { recursive: true });
    },
  };
}
