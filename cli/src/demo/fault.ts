import type { CauseCategory } from "@operator/contracts/diagnosis";
import type { Stack } from "@operator/stack/stack";

/** What the demo does to a member: a real signal to a real process, and how it's taken back. */
export interface Fault {
  /** e.g. `kill_node`. */
  name: string;
  target: string;
  /** The root cause that a right diagnosis names. */
  category: CauseCategory;
  /** Said in the story, e.g. `SIGKILL to node-a (pid 4711)`. */
  inject: () => string;
  revert: () => Promise<string>;
}

const verbs = ["kill", "pause"] as const;

/** The faults that a stack's members can be given. */
export function faultsOf(stack: Stack): string[] {
  return [...new Set(stack.kinds.values())].flatMap((kind) => verbs.map((verb) => `${verb}_${kind}`));
}

/** The fault of this name, on the first member of its kind. Throws with the names that there are. */
export function faultNamed(stack: Stack, name: string): Fault {
  const verb = verbs.find((verb) => name.startsWith(`${verb}_`));
  const target = [...stack.kinds].find(([, kind]) => name === `${verb}_${kind}`)?.[0];
  if (verb === undefined || target === undefined)
    throw new Error(`no fault "${name}": there are ${faultsOf(stack).join(", ")}`);
  const member = stack.member(target);
  if (verb === "kill") {
    return {
      name,
      target,
      category: "crashed",
      inject: () => {
        const { pid } = member;
        member.signal("SIGKILL");
        return `SIGKILL to ${target} (pid ${pid})`;
      },
      revert: async () => {
        await member.exited;
        await member.restart();
        return `${target} started again (pid ${member.pid})`;
      },
    };
  }
  return {
    name,
    target,
    category: "hung",
    inject: () => {
      member.signal("SIGSTOP");
      return `SIGSTOP to ${target} (pid ${member.pid})`;
    },
    revert: async () => {
      member.signal("SIGCONT");
      return `SIGCONT to ${target} (pid ${member.pid})`;
    },
  };
}
