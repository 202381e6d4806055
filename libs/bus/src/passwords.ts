import { randomBytes } from "node:crypto";
import type { UserName } from "@operator/contracts/channel";
import { z } from "zod";
import { userNames } from "./permissions.ts";

const Passwords = z.record(z.enum(userNames), z.string());

/** A password for each user of the bus. */
export type Passwords = Record<UserName, string>;

/** A password for each user, as `of` gives it; drawn anew unless told. */
export function passwordsOf(of: (user: UserName) => string = drawSecret): Passwords {
  return Passwords.parse(Object.fromEntries(userNames.map((user) => [user, of(user)])));
}

/** 192 random bits as text. */
export function drawSecret(): string {
  return randomBytes(24).toString("base64url");
}
