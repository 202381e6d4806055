import type { Driver } from "./driver.ts";

/**
 * A driver whose members are on `networks` that are only noted: for what the supervisor makes of them, where there's no
 * engine. What a cut does is tried on containers, in services/supervisor.
 */
export function networked(driver: Driver, networks: string[]): Driver {
  const cuts = new Map<string, Set<string>>();
  const cutsOf = (target: string) => {
    const cut = cuts.get(target) ?? new Set<string>();
    cuts.set(target, cut);
    return cut;
  };
  return {
    ...driver,
    members: async () =>
      (await driver.members()).map((member) => {
        const cut = cutsOf(member.target);
        return { ...member, networks: { connected: networks.filter((name) => !cut.has(name)), cut: [...cut] } };
      }),
    networks: {
      disconnect: async (target, network) => void cutsOf(target).add(network),
      connect: async (target, network) => void cutsOf(target).delete(network),
    },
  };
}
