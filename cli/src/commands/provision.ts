import { inspect, type Inspected } from "@operator/bus/inspect";
import { BusError } from "@operator/bus/failure";
import { provision } from "@operator/bus/provision";
import { serverConfig } from "@operator/bus/server-config";
import { type Command, InvalidArgumentError } from "commander";
import { CliError } from "../cli-error.ts";
import { connect, findConnection, type GlobalOptions } from "../connection.ts";
import { completePasswords, readPasswords } from "../passwords-file.ts";
import type { Shell } from "../shell.ts";
import { type Line, paragraph, span } from "../terminal/page.ts";
import { onTheBus, show } from "./session.ts";

interface ProvisionOptions extends GlobalOptions {
  serverConfig?: boolean;
  passwords?: string;
  replicas: number;
}

type Outcome = "made" | "changed" | "unchanged";

/** `operator provision`. */
export function registerProvision(program: Command, shell: Shell): void {
  onTheBus(
    program
      .command("provision")
      .summary("make the bus's streams, buckets and workers, or its users' configuration")
      .description(
        "Make every stream, bucket and worker of the bus, or bring it up to date; may run at any time. With --server-config: print the users' part of nats-server's configuration instead.",
      )
      .option("--server-config", "print who may do what on the bus, for nats-server's configuration; needs --passwords")
      .option("--passwords <file>", "JSON file of passwords by user; --server-config draws those that it lacks")
      .option("--replicas <n>", "copies of each stream: 1, 3 or 5", replicasOf, 1),
  ).action(async (options: ProvisionOptions) => {
    if (options.serverConfig) printConfig(shell, options);
    else await provisionBus(shell, options);
  });
}

function printConfig(shell: Shell, options: ProvisionOptions): void {
  if (options.passwords === undefined) {
    throw new CliError(
      "USAGE",
      "--server-config needs --passwords <file>: it's read, and made or completed where it lacks some",
    );
  }
  const { passwords, drawn } = completePasswords(options.passwords);
  const config = serverConfig({ passwords });
  if (options.json) show(shell, options, { config, passwords: options.passwords, drawn }, () => []);
  else {
    // As it is: a configuration for a server, not a page for a person.
    shell.out(config);
    if (drawn.length > 0) shell.err(`drew passwords for ${drawn.join(", ")} into ${options.passwords}\n`);
  }
}

async function provisionBus(shell: Shell, options: ProvisionOptions): Promise<void> {
  const { replicas } = options;
  const own = options.passwords === undefined ? undefined : readPasswords(options.passwords).provision;
  await using bus = await connect(shell, findConnection(shell, options, "provision", own));
  const before = await inspect(bus, { replicas });
  try {
    await provision(bus, { replicas });
  } catch (error) {
    if (!(error instanceof BusError) || !["NOT_STORED", "BUS_REJECTED"].includes(error.code)) throw error;
    throw new CliError("BUS_DIFFERS", `the server doesn't take what is planned: ${error.message}`);
  }
  const items = before.map((one) => ({ ...one, outcome: outcomes[one.state] }));
  show(
    shell,
    options,
    { items: items.map(({ kind, name, outcome, differences }) => ({ kind, name, outcome, differences })) },
    () => items.flatMap((item) => itemLines(item, shell.columns)),
  );
}

const outcomes = {
  missing: "made",
  different: "changed",
  "as planned": "unchanged",
} as const satisfies Record<Inspected["state"], Outcome>;

function itemLines({ kind, name, outcome, differences }: Inspected & { outcome: Outcome }, columns: number): Line[] {
  const style = outcome === "unchanged" ? "dim" : outcome === "made" ? "good" : "warn";
  return [
    [span(`✓ ${outcome.padEnd(9)}`, style), `  ${kind.padEnd(6)}  ${name}`],
    ...differences.flatMap((difference) => paragraph(difference.replace(", asked was", ", now"), columns, 21, "dim")),
  ];
}

function replicasOf(text: string): number {
  if (["1", "3", "5"].includes(text)) return Number(text);
  throw new InvalidArgumentError("1, 3 or 5 is wanted");
}
