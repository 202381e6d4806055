import { randomBytes } from "node:crypto";
import { writeFileSync } from "node:fs";
import { userNames } from "@operator/bus/permissions";
import type { UserName } from "@operator/contracts/channel";
import { readOrNone } from "./files.ts";

/** A password for each user of the bus: those in the file, and drawn ones for the rest, which are kept there. */
export function passwordsIn(file: string, said: string[]): Record<UserName, string> {
  // Written by this program alone, in a volume that only it mounts.
  const kept = new Map<string, unknown>(Object.entries(JSON.parse(readOrNone(file) ?? "{}")));
  const missing = userNames.filter((user) => typeof kept.get(user) !== "string");
  for (const user of missing) kept.set(user, drawn());
  if (missing.length > 0) {
    writeFileSync(file, JSON.stringify(Object.fromEntries(kept)), { mode: 0o600 });
    said.push(`passwords for ${missing.join(", ")}`);
  }
  const of = (user: UserName) => String(kept.get(user));
  return {
    observer: of("observer"),
    checker: of("checker"),
    ticketer: of("ticketer"),
    diagnoser: of("diagnoser"),
    actuator: of("actuator"),
    chaos: of("chaos"),
    notifier: of("notifier"),
    cli: of("cli"),
    watch: of("watch"),
    provision: of("provision"),
  };
}

/** A secret that is kept in a file, drawn when it isn't there. */
export function secretIn(file: string, said: string[]): string {
  const kept = readOrNone(file);
  if (kept !== undefined && kept !== "") return kept;
  const secret = drawn();
  writeFileSync(file, secret, { mode: 0o600 });
  said.push(file.slice(file.lastIndexOf("/") + 1));
  return secret;
}

function drawn(): string {
  return randomBytes(24).toString("base64url");
}
