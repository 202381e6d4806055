import { type Breach, breachMs, caseOf, snapshotAt } from "@operator/evidence/case.fixture";
import { allFresh } from "@operator/subject/invariant";
import { parseState } from "@operator/subject/state";
import { partsAt, type World } from "./cluster.fixture.ts";
import { invariants } from "./invariants.ts";
import { state } from "./state.ts";
import { topology } from "./topology.ts";

/**
 * The case of a breach of an invariant, with what the rule itself says of this world, one snapshot after the cluster was
 * as `before` differs. `verdict`: what the rule says; where it isn't violated, the detail is the one given.
 */
export function caseIn(
  world: World,
  about: Pick<Breach, "invariant" | "target">,
  { before = {}, ...breach }: Partial<Breach> & { before?: World } = {},
) {
  const good = snapshotAt(breachMs - 900, partsAt(breachMs - 900, before));
  const bad = snapshotAt(breachMs, partsAt(breachMs, world));
  const read = parseState(state, bad).state;
  const judged = invariants.find(({ name }) => name === about.invariant)?.judge(read, about.target, breachMs, allFresh);
  return {
    verdict: judged?.verdict,
    ...caseOf({
      ...about,
      ...(judged?.verdict === "violated" ? { detail: judged.detail } : {}),
      pointers: judged && judged.verdict !== "unknown" ? judged.pointers.slice(0, 20) : [],
      ...breach,
      bad,
      good,
      topology: topology.targets(read),
    }),
  };
}
