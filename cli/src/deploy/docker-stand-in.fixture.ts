import { chmodSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { Desk } from "../cli.fixture.ts";

/** What a `docker` says to a command line that fits the pattern of a shell's `case`. The first that fits counts. */
export interface Says {
  to: string;
  out?: string;
  err?: string;
  code?: number;
}

/**
 * A project's root with a `docker` of its own that only says what a test makes it say. It stands in for the one thing that
 * a machine with Docker can't show: a Docker that is missing, too old, away, or short of something.
 */
export class DockerStandIn extends Desk {
  readonly path = join(this.root, "bin");

  constructor(says: readonly Says[] | undefined) {
    super();
    this.write(join(this.root, "compose.yaml"), "name: operator\n");
    mkdirSync(this.path);
    if (says === undefined) return;
    const cases = says.map(
      ({ to, out = "", err = "", code = 0 }) =>
        `  ${to}) printf '%s\\n' '${out}'; printf '%s\\n' '${err}' >&2; exit ${code} ;;`,
    );
    const file = join(this.path, "docker");
    this.write(file, ["#!/bin/sh", 'case "$*" in', ...cases, "esac", "exit 99", ""].join("\n"));
    chmodSync(file, 0o700);
  }

  /** Runs a command of `operator deploy local` that finds no other program than this one. */
  deploy(...argv: string[]) {
    return this.run(["deploy", "local", ...argv], { env: { PATH: this.path } });
  }
}

/** As good as the oldest that will do. */
export const oldestCompose: Says = { to: '"compose version"', out: "Docker Compose version v2.20.0" };
export const oldestEngine = engine({});

export function engine(info: Record<string, unknown>): Says {
  const all = { ServerVersion: "20.10.0", Name: "elsewhere", MemTotal: 8_000_000_000, ...info };
  return { to: '"info "*', out: JSON.stringify(all) };
}

/** One service, as `config` says it. */
export function serviceOf(service: Record<string, unknown>): Says {
  const config = { name: "operator", services: { nats: { image: "nats:2.15-alpine", ...service } } };
  return { to: '*" config "*', out: JSON.stringify(config) };
}

export const nothingRuns: Says[] = [
  { to: '*" ps --all "*', out: "" },
  { to: '"ps --filter "*', out: "" },
];
