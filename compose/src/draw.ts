import { writeFileSync } from "node:fs";
import { drawSecret, type Passwords, passwordsOf } from "@operator/bus/passwords";
import { userNames } from "@operator/bus/permissions";
import { readOrNone } from "./files.ts";

/** A password for each user of the bus: those in the file, and drawn ones for the rest, which are kept there. */
export function passwordsIn(file: string, said: string[]): Passwords {
  // Written by this program alone, in a volume that only it mounts.
  const kept = new Map<string, unknown>(Object.entries(JSON.parse(readOrNone(file) ?? "{}")));
  const missing = userNames.filter((user) => typeof kept.get(user) !== "string");
  for (const user of missing) kept.set(user, drawSecret());
  if (missing.length > 0) {
    writeFileSync(file, JSON.stringify(Object.fromEntries(kept)), { mode: 0o600 });
    said.push(`passwords for ${missing.join(", ")}`);
  }
  return passwordsOf((user) => String(kept.get(user)));
}

/** A secret that is kept in a file, drawn when it isn't there. */
export function secretIn(file: string, said: string[]): string {
  const kept = readOrNone(file);
  if (kept !== undefined && kept !== "") return kept;
  const secret = drawSecret();
  writeFileSync(file, secret, { mode: 0o600 });
  said.push(file.slice(file.lastIndexOf("/") + 1));
  return secret;
}
