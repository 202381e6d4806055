import { z } from "zod";
import { PdId } from "./pd-json.ts";

export const membersPath = "/pd/api/v1/members";
export const leaderPath = "/pd/api/v1/leader";

/** A member of PD, as it names itself: `GET /leader`. */
export const PdMember = z.object({
  name: z.string().min(1).max(64),
  member_id: PdId,
  client_urls: z.array(z.string()).default([]),
});
export type PdMember = z.infer<typeof PdMember>;

/** `GET /members`: who belongs to PD, and who leads. */
export const PdMembers = z.object({
  header: z.object({ cluster_id: PdId }),
  members: z.array(PdMember),
  leader: PdMember.optional(),
});
export type PdMembers = z.infer<typeof PdMembers>;
