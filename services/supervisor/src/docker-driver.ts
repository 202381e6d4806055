import { setTimeout as wait } from "node:timers/promises";
import type { Member } from "@operator/subject/fault";
import type { Driver } from "@operator/supervisor/driver";
import { Cuts } from "./cuts.ts";
import type { Container, Engine, Inspection, Network } from "./engine.ts";
import { kindLabel } from "./labels.ts";
import { findLabelled, type Labelled } from "./labelled.ts";

export interface DockerDriverOptions {
  engine: Engine;
  /** Compose's name of the project whose containers are the members. */
  project: string;
  /** Where it's kept who was cut off what, so that it outlives this process; nowhere unless told. */
  cutsFile?: string;
  /** A started container is ready within this time; 20 s unless told. */
  readyWithinMs?: number;
  /** What the engine has done is to be seen within this time; 3 s unless told. */
  effectWithinMs?: number;
}

const lookEveryMs = 50;

/** The supervisor's driver over the labelled containers of one compose project. Throws what `Engine` and `findLabelled` do. */
export function dockerDriver(options: DockerDriverOptions): Driver {
  const { engine, project, readyWithinMs = 20_000, effectWithinMs = 3_000 } = options;
  const cuts = new Cuts(options.cutsFile);

  const containerOf = async (target: string) => found((await findLabelled(engine, project)).containers, target);
  /** Looks at a container until it's so. */
  const until = async (id: string, isSo: (seen: Inspection) => boolean, what: string, withinMs = effectWithinMs) => {
    const deadline = Date.now() + withinMs;
    for (;;) {
      const seen = await engine.inspect(id);
      if (isSo(seen)) return;
      if (Date.now() > deadline) throw new Error(`it isn't ${what} after ${withinMs} ms, but ${conditionOf(seen)}`);
      await wait(lookEveryMs);
    }
  };
  const ended = (id: string) => until(id, ({ State }) => stateOf(State.Status) === "stopped", "stopped");

  return {
    members: async () => {
      const { containers, networks } = await findLabelled(engine, project);
      cuts.keepOnly(containers.values());
      return [...containers]
        .map(([target, container]) => memberOf(target, container, networks, cuts))
        .toSorted(byTarget);
    },
    // The engine takes a kill for somebody's wish: no restart policy brings the container back, only a start does.
    kill: async (target) => {
      const { Id } = await containerOf(target);
      try {
        await engine.kill(Id);
      } catch (error) {
        // Docker kills what is paused, others want it to go on first.
        if ((await engine.inspect(Id)).State.Status !== "paused") throw error;
        await engine.unpause(Id);
        await engine.kill(Id);
      }
      await ended(Id);
    },
    pause: async (target) => {
      const { Id } = await containerOf(target);
      await engine.pause(Id);
      await until(Id, ({ State }) => State.Status === "paused", "paused");
    },
    unpause: async (target) => {
      const { Id } = await containerOf(target);
      await engine.unpause(Id);
      await until(Id, ({ State }) => State.Status === "running", "running");
    },
    stop: async (target) => {
      const { Id } = await containerOf(target);
      await engine.stop(Id);
      await ended(Id);
    },
    start: async (target) => {
      const { Id } = await containerOf(target);
      await engine.start(Id);
      await until(Id, isReady, "ready", readyWithinMs);
    },
    networks: {
      disconnect: async (target, name) => {
        const { container, network } = both(await findLabelled(engine, project), target, name);
        const place = placeIn(await engine.inspect(container.Id), network);
        if (!place) throw new Error(`it isn't connected to ${network.Name}`);
        cuts.add(container, network, place);
        await engine.disconnect(network.Id, container.Id);
        await until(container.Id, (seen) => !placeIn(seen, network), `cut off ${network.Name}`);
      },
      connect: async (target, name) => {
        const { container, network } = both(await findLabelled(engine, project), target, name);
        await engine.connect(network.Id, container.Id, cuts.placeOf(container, network) ?? {});
        await until(container.Id, (seen) => placeIn(seen, network) !== undefined, `connected to ${network.Name}`);
        cuts.remove(container, network);
      },
    },
  };
}

function memberOf(target: string, container: Container, networks: Map<string, Network>, cuts: Cuts): Member {
  const connected = [...networks].filter(([, network]) => placeIn(container, network));
  const cut = [...networks].filter(([, network]) => cuts.placeOf(container, network) && !placeIn(container, network));
  const names = (of: [string, Network][]) => of.map(([name]) => name).toSorted();
  return {
    target,
    kind: container.Labels[kindLabel] ?? "member",
    state: stateOf(container.State),
    networks: { connected: names(connected), cut: names(cut) },
  };
}

/** The engine's words: created, running, paused, restarting, removing, exited, dead. */
function stateOf(status: string): Member["state"] {
  return status === "running" || status === "paused" ? status : "stopped";
}

/** Healthy by its own check, or running when it has none. Throws when it ended instead. */
function isReady(seen: Inspection): boolean {
  const { Status, Health } = seen.State;
  if (stateOf(Status) === "stopped") throw new Error(`it didn't stay up: it is ${conditionOf(seen)}`);
  return Status === "running" && (Health === undefined || Health.Status === "healthy" || Health.Status === "none");
}

function conditionOf({ State: { Status, ExitCode, Health } }: Inspection): string {
  if (stateOf(Status) === "stopped") return `${Status} with ${ExitCode}`;
  return Health ? `${Status} and ${Health.Status}` : Status;
}

/** How it stands in a network; undefined when it doesn't. What was connected since it last ran has no more than a name. */
function placeIn<Of extends { NetworkID: string }>(
  { NetworkSettings }: { NetworkSettings: { Networks: Record<string, Of> } },
  { Id, Name }: Network,
): Of | undefined {
  const places = Object.entries(NetworkSettings.Networks);
  return places.find(([name, { NetworkID }]) => (NetworkID === "" ? name === Name : NetworkID === Id))?.[1];
}

function both({ containers, networks }: Labelled, target: string, name: string) {
  return { container: found(containers, target), network: found(networks, name) };
}

/** It was listed a moment ago, and may be gone since. */
function found<T>(all: Map<string, T>, name: string): T {
  const one = all.get(name);
  if (one === undefined)
    throw new Error(`there is no "${name}" any more: there are ${[...all.keys()].join(", ") || "none"}`);
  return one;
}

function byTarget(one: Member, other: Member): number {
  return one.target.localeCompare(other.target);
}
