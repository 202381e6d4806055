import { loadRoom } from "@operator/subject/load";
import type { Member } from "@operator/subject/fault";
import type { Stack } from "./stack.ts";

const withinMs = 10_000;

/** What the loop calls a member that the supervisor calls `target`: the faults of its room know. */
export async function observedAs(stack: Stack, target: string): Promise<string> {
  const { faults } = await loadRoom(stack.subject, "faults");
  const members = [...stack.kinds].map(([name, kind]): Member => ({ target: name, kind, state: "running" }));
  const kill = faults.find(
    (fault) => fault.by === "supervisor" && fault.verb === "kill" && fault.targets(members).includes(target),
  );
  const hands = { environment: stack.environment };
  const resolved = await kill?.resolve?.(target, members, hands, AbortSignal.timeout(withinMs));
  return resolved?.observedAs ?? target;
}
