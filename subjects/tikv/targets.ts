/** The parts of the cluster that aren't one member. */
export const cluster = "cluster";

/** A store by its id: ids are uint64 and not 1..N, so they're text. */
export function storeTarget(id: string): string {
  return `store-${id}`;
}

/** Stands for the stores until PD's list of them was read. */
export const storeList = "store-list";

/** A PD member by its name: `pd-1` and `pd1` stay as they are. */
export function pdTarget(name: string): string {
  return name.startsWith("pd") ? name : `pd-${name}`;
}

export function isPdTarget(target: string): boolean {
  return target.startsWith("pd");
}

export function regionTarget(id: string): string {
  return `region-${id}`;
}

/** The id in `store-7`; undefined for what is no store. */
export function storeIdOf(target: string): string | undefined {
  return /^store-(\d{1,20})$/.exec(target)?.[1];
}

/** The id in `region-18`; undefined for what is no region. */
export function regionIdOf(target: string): string | undefined {
  return /^region-(\d{1,20})$/.exec(target)?.[1];
}
