import type { Member } from "@operator/subject/fault";
import { z } from "zod";
import { quoted, Refusal } from "./supervisor-error.ts";

/** What a fault does to its target. */
export const Effect = z.discriminatedUnion("verb", [
  z.object({ verb: z.enum(["kill", "pause"]), target: z.string() }),
  z.object({ verb: z.literal("disconnect"), target: z.string(), network: z.string() }),
]);
export type Effect = z.infer<typeof Effect>;

/** E.g. `kill of node-a`, `disconnect of node-a from "backend"`. */
export function said(effect: Effect): string {
  const from = effect.verb === "disconnect" ? ` from ${quoted(effect.network)}` : "";
  return `${effect.verb} of ${effect.target}${from}`;
}

/** Throws `NOT_RUNNING`, `NETWORK_UNKNOWN`, `NOT_CONNECTED` when the member, as it is, leaves nothing to do. */
export function refuseUnfit(effect: Effect, member: Member): void {
  const { verb, target } = effect;
  if (member.state === "stopped" || (verb === "pause" && member.state === "paused"))
    throw new Refusal("NOT_RUNNING", `${target} is ${member.state}: there is nothing to ${verb}`);
  if (effect.verb === "disconnect" && !isConnected(member, effect.network))
    throw new Refusal("NOT_CONNECTED", `${target} is cut off ${quoted(effect.network)} already`);
}

/** Whether the member, as it is, still shows it: whoever undid it meanwhile did so already. */
export function isThere(effect: Effect, member: Member): boolean {
  if (effect.verb === "disconnect") return member.networks?.cut.includes(effect.network) ?? false;
  return member.state === (effect.verb === "kill" ? "stopped" : "paused");
}

/** Throws `NETWORK_UNKNOWN` when it was never one of the member's networks. */
export function isConnected({ target, networks = { connected: [], cut: [] } }: Member, network: string): boolean {
  const { connected, cut } = networks;
  if (!connected.includes(network) && !cut.includes(network)) {
    const known = [...connected, ...cut].join(", ") || "none";
    throw new Refusal("NETWORK_UNKNOWN", `${target} has no network ${quoted(network)}: there are ${known}`);
  }
  return connected.includes(network);
}
