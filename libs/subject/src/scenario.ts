/** Faults that belong together, and what the operator has to make of them. Each fault alone is a scenario of its own name. */
export interface Scenario {
  name: string;
  /** A sentence that a person understands, e.g. "Two stores are killed at once". */
  title: string;
  /** Made at once, in this order. `at`: which of the fault's targets, the first unless told. */
  faults: { fault: string; at?: number; force?: boolean }[];
  /** `roots`: a ticket about each fault, and no other. `quiet`: none at all, as nothing is broken. */
  expects: "roots" | "quiet";
}
