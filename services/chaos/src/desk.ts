import type { Fault } from "@operator/subject/fault";
import type { Hands } from "./effect.ts";
import type { Journal } from "./journal.ts";
import type { Lever } from "./lever.ts";

/** What one instance of chaos works with. */
export interface Desk {
  /** The faults of each subject that it may touch. */
  catalogue: ReadonlyMap<string, readonly Fault[]>;
  journal: Journal;
  lever: Lever;
  hands: Hands;
}
