import { readFileSync } from "node:fs";

/** Names of variables whose values never appear anywhere. */
export function isSecret(name: string): boolean {
  return /PASSWORD|SECRET|TOKEN|KEY$/.test(name);
}

/**
 * The environment with its secrets: `OPERATOR_NATS_PASSWORD_FILE` names a file whose first line is the value of
 * `OPERATOR_NATS_PASSWORD`, so that the value itself stands in no container's settings. Only for names of secrets; the
 * variable itself comes first. What a file that can't be read was for stays absent, and is missed by who needs it.
 */
export function withSecretFiles(environment: Record<string, string | undefined>): Record<string, string | undefined> {
  const read = Object.entries(environment).flatMap(([variable, file]) => {
    const name = variable.replace(/_FILE$/, "");
    if (name === variable || !isSecret(name) || !file || environment[name]) return [];
    try {
      return [[name, readFileSync(file, "utf8").trim()] as const];
    } catch (error) {
      process.stderr.write(`${variable} is "${file}", which can't be read: ${String(error)}\n`);
      return [];
    }
  });
  return { ...environment, ...Object.fromEntries(read) };
}
