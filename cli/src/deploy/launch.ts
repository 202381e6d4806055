import { setTimeout as wait } from "node:timers/promises";
import { CliError } from "../cli-error.ts";
import { lengthOf } from "../terminal/ages.ts";
import type { Container } from "./containers.ts";
import type { Progress } from "./progress.ts";
import { composeFailed, lastLinesMax, type Project } from "./project.ts";
import { isBegun, type Standing, standingOf } from "./standing.ts";
import type { Service } from "./topology.ts";

/** How a service is, by its name. */
export interface NamedStanding extends Standing {
  service: string;
}

export interface Launch {
  /** The command of compose that starts them and waits for what others depend on; absent when that's done already. */
  argv?: readonly string[];
  /** What must be up in the end. */
  services: readonly Service[];
  withinMs: number;
  progress: Progress;
  signal: AbortSignal;
}

/**
 * Has compose start services, when it hasn't yet, and waits until all of them are up. Throws `UNHEALTHY` as soon as one is
 * broken, or at the deadline, and `COMPOSE_FAILED` when compose gave up for another reason. What was started runs on, also
 * after an error.
 */
export async function launch(project: Project, { argv, services, withinMs, progress, signal }: Launch): Promise<void> {
  const before = new Map((await project.containers()).map(({ id, sinceMs }) => [id, sinceMs]));
  const end = performance.now() + withinMs;
  const ending = new AbortController();
  const lines: string[] = [];
  let code = argv === undefined ? 0 : undefined;
  const command =
    argv &&
    project
      .follow(argv, AbortSignal.any([signal, ending.signal]), (line) => {
        lines.push(line);
        if (lines.length > lastLinesMax) lines.shift();
      })
      .then((ended) => void (code = ended));
  try {
    for (;;) {
      const codeBefore = code;
      const containers = await project.containers();
      // What compose hasn't started, yet or for good, says nothing, unless it's what compose gave up for.
      const isOld = ({ id, name, sinceMs }: Container) =>
        codeBefore !== 0 && before.get(id) === sinceMs && !(codeBefore !== undefined && lines.at(-1)?.includes(name));
      const standings = services.map((service): NamedStanding => ({
        service: service.name,
        ...standingOf(service, containers, isOld),
      }));
      progress.standings(standings);
      const broken = standings.filter(({ is }) => is === "broken");
      if (broken.length > 0) throw await unhealthy(project, broken);
      if (codeBefore !== undefined && codeBefore !== 0 && argv && !signal.aborted) throw composeFailed(argv, lines);
      signal.throwIfAborted();
      // Those that are under way first: the others wait for them.
      const coming = standings
        .filter(({ is }) => is === "coming")
        .toSorted((one, other) => rankOf(one) - rankOf(other));
      if (codeBefore !== undefined && coming.length === 0) return;
      if (performance.now() > end) throw await unhealthy(project, coming, `, ${lengthOf(withinMs)} after the start`);
      await Promise.race([wait(betweenMs, undefined, { signal }), ...(command && code === undefined ? [command] : [])]);
    }
  } finally {
    ending.abort();
    await command?.catch(() => undefined);
  }
}

const betweenMs = 500;

function rankOf(standing: Standing): number {
  return isBegun(standing) ? 0 : 1;
}

async function unhealthy(project: Project, standings: readonly NamedStanding[], when = ""): Promise<CliError> {
  const [first, ...others] = standings;
  // All services are up, and compose hasn't ended all the same.
  if (!first) return new CliError("UNHEALTHY", `compose didn't end${when}, though every service is up`);
  const log = await project.lastWords(first.service, lastLinesMax);
  const more = others.length === 0 ? "" : `; nor are ${others.map(({ service }) => service).join(", ")}`;
  const { service, says } = first;
  return new CliError(
    "UNHEALTHY",
    `"${service}" isn't healthy${when}: ${says}${more}. What was started runs on; \`operator deploy local logs ${service}\` says more`,
    { service, standings, log },
  );
}
