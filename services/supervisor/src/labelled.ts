import { Refusal } from "@operator/supervisor/supervisor-error";
import type { Container, Engine, Network } from "./engine.ts";
import { networkLabel, oneOffLabel, projectLabel, targetLabel } from "./labels.ts";

/** What the supervisor may touch of one compose project: nothing else is ever asked for by it. */
export interface Labelled {
  /** By target. */
  containers: Map<string, Container>;
  /** By the name in their label. */
  networks: Map<string, Network>;
}

/** Throws `LABEL_AMBIGUOUS` when two have one name: whom a verb would hit must not be a matter of chance. */
export async function findLabelled(engine: Engine, project: string): Promise<Labelled> {
  const ofProject = `${projectLabel}=${project}`;
  const [containers, networks] = await Promise.all([
    engine.containers([ofProject, targetLabel]),
    engine.networks([ofProject, networkLabel]),
  ]);
  const members = containers.filter(({ Labels }) => Labels[oneOffLabel] !== "True");
  return {
    containers: byLabel(targetLabel, members, nameOf),
    networks: byLabel(networkLabel, networks, ({ Name }) => Name),
  };
}

/** A container's name; its id when it has none. */
function nameOf({ Names, Id }: Container): string {
  return Names[0]?.replace(/^\//, "") ?? Id;
}

function byLabel<T extends { Labels: Record<string, string> }>(
  label: string,
  all: T[],
  nameOf: (one: T) => string,
): Map<string, T> {
  const found = new Map<string, T>();
  for (const one of all) {
    const value = one.Labels[label];
    if (!value) continue;
    const other = found.get(value);
    if (other) {
      const both = [nameOf(other), nameOf(one)].toSorted().join(" and ");
      throw new Refusal("LABEL_AMBIGUOUS", `${both} both have the label ${label}=${value}: give each one of its own`);
    }
    found.set(value, one);
  }
  return found;
}
