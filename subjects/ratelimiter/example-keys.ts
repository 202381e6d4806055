import { targetOfKey } from "./key-target.ts";

/** The limit of the room's own example: short, so that a story is told in seconds. */
export const exampleLimit = { limit: 20, windowMs: 10_000 };

/** Keys of the room's own load that its plan watches: the one that is denied at times, and one that seldom is. */
export const exampleKeys = ["load-0", "load-1"];

/** Their targets. */
export const exampleKeyTargets = exampleKeys.flatMap((key) => targetOfKey(key) ?? []);
