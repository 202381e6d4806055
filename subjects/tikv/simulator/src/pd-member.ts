import { createHash } from "node:crypto";
import { z } from "zod";
import { uint64 } from "./exact-json.ts";

/** A member of PD, as it's kept under its key. `memberId` is a uint64 past what a JS number holds, as text. */
export const PdMember = z.object({
  name: z.string(),
  memberId: z.string(),
  peerUrl: z.string(),
  clientUrl: z.string(),
});
export type PdMember = z.infer<typeof PdMember>;

export const pdVersion = "v8.5.5-simulator";
export const gitHash = "simulator";

/** etcd computes a member's id from what it's told at its start, so it stays the same through a restart. */
export function memberIdOf(name: string, peerUrl: string): string {
  const digest = createHash("sha256").update(`${name} ${peerUrl}`).digest();
  return String(digest.readBigUInt64BE() | (1n << 60n));
}

/** As `/leader` and `/health` name a member. */
export function memberShort(member: PdMember) {
  return {
    name: member.name,
    member_id: uint64(BigInt(member.memberId)),
    peer_urls: [member.peerUrl],
    client_urls: [member.clientUrl],
  };
}

/** As `/members` names it. */
export function memberLong(member: PdMember) {
  return { ...memberShort(member), deploy_path: "/simulator", binary_version: pdVersion, git_hash: gitHash };
}
