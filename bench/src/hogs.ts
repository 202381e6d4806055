import { availableParallelism } from "node:os";
import { join } from "node:path";
import { Program } from "@operator/stack/program";

/** One busy loop per core, as nice as can be: whoever wants the core gets it, but finds it hot. Stopped when disposed. */
export async function startHogs(folder: string): Promise<AsyncDisposable & { count: number }> {
  const hogs: Program[] = [];
  const stop = async () => {
    await Promise.all(hogs.map((hog) => hog.kill()));
  };
  try {
    for (let core = 0; core < availableParallelism(); core++) {
      const spin = "console.log('spinning'); for (;;);";
      hogs.push(
        await Program.start({
          name: `hog ${core}`,
          file: "nice",
          arguments: ["-n", "19", process.execPath, "-e", spin],
          environment: {},
          logFile: join(folder, `hog-${core}.log`),
          ready: { line: "spinning" },
        }),
      );
    }
  } catch (error) {
    await stop();
    throw error;
  }
  return { count: hogs.length, [Symbol.asyncDispose]: stop };
}
