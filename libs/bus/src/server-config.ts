import type { UserName } from "@operator/contracts/channel";
import { permissionsOf, userNames } from "./permissions.ts";

/** The users of the bus, as the part of nats-server's configuration that says who may do what. */
export function serverConfig({ passwords }: { passwords: Record<UserName, string> }): string {
  const users = userNames.map((user) => {
    const { publish, subscribe } = permissionsOf(user);
    const list = (addresses: string[]) =>
      addresses.length === 0 ? `{ deny: [">"] }` : `{ allow: ${JSON.stringify(addresses)} }`;
    return [
      `    { user: ${user}, password: ${JSON.stringify(passwords[user])}, permissions: {`,
      `        publish: ${list(publish)}`,
      `        subscribe: ${list(subscribe)} } }`,
    ].join("\n");
  });
  return [
    "authorization {",
    "  # for a user that has no permissions of its own: nothing at all",
    `  default_permissions: { publish: { deny: [">"] }, subscribe: { deny: [">"] } }`,
    "  users = [",
    ...users,
    "  ]",
    "}",
    "",
  ].join("\n");
}
