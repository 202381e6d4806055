import { TargetName } from "@operator/contracts/names";

/** What the target of a key begins with; no node's id does. */
export const keyPrefix = "key-";

/** The target that a key of the limiter is; undefined for one that can't be a name: too long, or not printable. */
export function targetOfKey(key: string): TargetName | undefined {
  return TargetName.safeParse(`${keyPrefix}${key}`).data;
}

/** The key that a target is; undefined when it is none. */
export function keyOfTarget(target: string): string | undefined {
  return target.startsWith(keyPrefix) ? target.slice(keyPrefix.length) : undefined;
}
