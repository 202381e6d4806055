import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { Control, controlKey } from "@operator/contracts/control";
import { startProvisionedNats } from "@operator/stack/nats-server";
import { Bus } from "@operator/bus/bus";
import { InstanceName } from "@operator/contracts/names";
import { claim, type Figure, type Measuring, percentile, spread } from "./figures.ts";

const main = join(import.meta.dirname, "..", "..", "cli", "src", "main.ts");
const pressesMin = 5;
/** Its own timeouts are shorter. */
const pressMsMax = 20_000;

/**
 * From the key press, which starts the command as a process of its own, to the bus's acknowledgement, which it prints; on a
 * bus where no service is alive.
 */
export async function measureKillSwitch(measuring: Measuring): Promise<Figure> {
  const { say, signal } = measuring;
  const presses = Math.max(pressesMin, Math.ceil(30 / measuring.shortenedBy));
  await using server = await startProvisionedNats();
  const { url, passwords } = server;
  await using bus = await Bus.connect({
    servers: url,
    user: "cli",
    password: passwords.cli,
    instance: InstanceName.parse("bench"),
  });
  const control = await bus.bucket("control", Control);
  const toAcknowledged: number[] = [];
  const terms: number[] = [];
  for (let press = 1; press <= presses; press += 1) {
    signal.throwIfAborted();
    toAcknowledged.push(await pressed(url, passwords.cli, signal));
    terms.push((await control.get(controlKey))?.value.term ?? 0);
  }
  const engaged = terms.filter((term, at) => term === at + 1).length;
  say(`kill-switch: ${spread(toAcknowledged)}`);
  return {
    name: "kill-switch",
    title: `Kill switch pressed ${presses} times, no service alive`,
    claims: [
      claim("key press to acknowledged, slowest", percentile(toAcknowledged, 1), "ms", { atMost: 1_000 }),
      claim("terms that each began", engaged, "", { atLeast: presses }),
    ],
    facts: [`key press to acknowledged: ${spread(toAcknowledged)}, each a process of its own`],
    data: { toAcknowledged },
  };
}

/** One press: milliseconds until the command has said that it's acknowledged. */
async function pressed(url: string, password: string, signal: AbortSignal): Promise<number> {
  const startedMs = performance.now();
  const limit = AbortSignal.any([signal, AbortSignal.timeout(pressMsMax)]);
  const child = spawn(process.execPath, [main, "kill-switch", "--no-wait", "--json", "--server", url], {
    env: { ...process.env, OPERATOR_NATS_PASSWORD: password },
    stdio: ["ignore", "pipe", "inherit"],
    signal: limit,
  });
  const ended = once(child, "close");
  const [said]: unknown[] = await Promise.race([once(child.stdout, "data"), ended]);
  const tookMs = performance.now() - startedMs;
  const [code]: unknown[] = await ended;
  if (code !== 0 || !String(said).includes("acknowledgedAfterMs")) {
    throw new Error(`the kill switch ended with ${String(code)}, and said ${String(said).slice(0, 200)}`);
  }
  return tookMs;
}
