import { dirname, join } from "node:path";
import { addressOf } from "@operator/contracts/channel";
import { flow } from "@operator/contracts/flow";
import { ChaosCommand } from "@operator/contracts/chaos";
import { readContext } from "../context.ts";
import { readOffered } from "../read-offered.ts";
import { programName, type Shell } from "../shell.ts";
import { lengthOf } from "../terminal/ages.ts";
import { type Line, span } from "../terminal/page.ts";
import type { Project } from "./project.ts";

/** What there is to use once everything is up. */
export interface Ready {
  project: string;
  services: number;
  tookMs: number;
  /** Where the services answer on this machine. */
  endpoints: { service: string; url: string }[];
  /** The context for the command line: its name or file. */
  context: string;
  /** Things to try, as they are typed. */
  try: { what: string; commands: string[] }[];
}

const contextName = "compose";

/** Reads where everything is. Throws `CONTEXT_INVALID` when the context that the containers wrote can't be read. */
export async function readReady(shell: Shell, project: Project): Promise<Omit<Ready, "tookMs">> {
  const containers = await project.containers();
  // A name for the command line where it's the usual folder; else the file.
  const desk = project.topology.desk ?? join(shell.root, ".operator", contextName);
  const isUsual = desk === join(shell.root, ".operator", contextName);
  const contextFile = isUsual ? `.operator/${contextName}/context.json` : join(desk, "context.json");
  const given = isUsual ? contextName : contextFile;
  const keyFile = join(dirname(contextFile), "compose.pem");
  const context = readContext(given, shell.root)?.context;
  const nats = new URL(context?.url ?? "nats://127.0.0.1:4222");
  const endpoints = containers
    .flatMap(({ service, ports }) => ports.map((port) => ({ service, port })))
    .map(({ service, port }) => ({ service, url: `${port.endsWith(`:${nats.port}`) ? "nats" : "http"}://${port}` }));
  const operator = programName(shell.env);
  const here = `--context ${given}`;
  const [subject = ""] = context?.subjects ?? [];
  const offered = (await readOffered(subject)).find(({ targets }) => targets.length > 0);
  const fault = ChaosCommand.parse({ subject, fault: offered?.fault, target: offered?.targets[0], ttlMs: 120_000 });
  // Whoever has this password may break things: it's read when the command is run, and stands nowhere else.
  const password = `"$(node -p 'require("${isUsual ? "./" : ""}${contextFile}").passwords.cli')"`;
  const chaosAddress = addressOf(flow.chaosCommand, fault);
  return {
    project: project.topology.project,
    services: project.topology.services.length,
    endpoints,
    context: given,
    try: [
      {
        what: "hear all that is said on the bus (this user may only listen)",
        commands: [`nats sub --server nats://watch:${context?.passwords.watch ?? ""}@${nats.host} 'operator.>'`],
      },
      { what: "see what is watched, and how it is now", commands: [`${operator} status ${here} --watch`] },
      {
        what: "break something, and approve what the operator proposes",
        commands: [
          `nats pub --server ${nats.href.replace(/\/$/, "")} --user cli --password ${password} ${chaosAddress} '${JSON.stringify(fault)}'`,
          `${operator} mode execute ${here} --key ${keyFile} --for 1h`,
          `${operator} actions list ${here}`,
          `${operator} actions approve <id> ${here} --key ${keyFile} --wait`,
        ],
      },
    ],
  };
}

/** Where everything is, and what to try. Commands are on one line each, however long: they're there to be copied. */
export function readyPage(ready: Ready, shell: Shell): Line[] {
  const stop = `${programName(shell.env)} deploy local down`;
  const name = (text: string) => span(text.padEnd(14), "dim");
  return [
    [span("✓", "good"), ` up: ${ready.services} services of "${ready.project}" after ${lengthOf(ready.tookMs)}`],
    [],
    ...ready.endpoints.map(({ service, url }): Line => ["  ", name(service), url]),
    ["  ", name("context"), `--context ${ready.context}`],
    ["  ", name("to stop it"), span(stop, "code")],
    ...ready.try.flatMap(({ what, commands }, at): Line[] => [
      [],
      [`${at + 1}. ${what[0]?.toUpperCase()}${what.slice(1)}:`],
      ...commands.map((command): Line => ["   ", span(command, "code")]),
    ]),
  ];
}
