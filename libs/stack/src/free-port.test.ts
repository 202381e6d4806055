import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { expect, test } from "vitest";
import { freePorts } from "./free-port.ts";

const count = 600;
const file = join(import.meta.dirname, "free-port.ts");

/** What another process is given, which then waits, as one does whose programs are starting. */
async function elsewhere() {
  const code = `import { freePorts } from ${JSON.stringify(file)}; console.log(JSON.stringify(await freePorts(${count}))); setTimeout(() => {}, 10_000);`;
  const other = spawn(process.execPath, ["--input-type=module", "--eval", code], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const [line] = await once(other.stdout, "data");
  const ports: unknown = JSON.parse(String(line));
  return { ports, [Symbol.dispose]: () => void other.kill("SIGKILL") };
}

test.runIf(process.platform === "linux")(
  "what one process was given no other is, before anybody listens there",
  async () => {
    using one = await elsewhere();
    using two = await elsewhere();
    const mine = await freePorts(count);
    const all = [one.ports, two.ports, mine].flat();
    expect(all).toHaveLength(3 * count);
    // Of 17,000: without reservations any two would share about twenty.
    expect(new Set(all).size).toBe(3 * count);
  },
);
