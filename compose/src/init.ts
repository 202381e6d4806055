import { addApprover, readApprovers } from "@operator/approval/approvers-file";
import { newKey } from "@operator/approval/keys";
import { serverConfig } from "@operator/bus/server-config";
import { existsSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { passwordsIn, secretIn } from "./draw.ts";
import { folderFor, fileFor, type Owner } from "./files.ts";
import { natsConfig } from "./nats-config.ts";

/**
 * What must be there before anything starts, made once and kept: a password for each user of the bus, each in the volume
 * of its service alone; nats-server's configuration; and in the project's `.operator/compose` the context for the command
 * line and an approver's key. Runs in a container that mounts all of that; said again it changes nothing.
 */

const volumes = "/secrets";
const desk = "/desk";
/** User `node` of the image, which the services run as. */
const services: Owner = { uid: 1000, gid: 1000 };
const nats: Owner = { uid: 0, gid: 0 };
/** Whoever owns the project's files is to read the key, also where Docker made the folder as root. */
const project = statSync("/project/compose.yaml");
const person: Owner = { uid: project.uid, gid: project.gid };

const said: string[] = [];

const passwords = passwordsIn(join(volumes, "init", "passwords.json"), said);
for (const [user, password] of Object.entries(passwords)) {
  const folder = join(volumes, user);
  if (existsSync(folder)) fileFor(services, join(folder, "nats-password"), password);
}
fileFor(nats, join(volumes, "nats", "nats.conf"), natsConfig(serverConfig({ passwords })));

// Secrets of the subjects, as `name=volume,volume`, e.g. `management-token=ratelimiter,actuator,chaos`.
for (const wanted of process.argv.slice(2)) {
  const [, name = "", owners = ""] = /^([a-z-]+)=([a-z,-]+)$/.exec(wanted) ?? [];
  if (name === "") throw new Error(`"${wanted}" is no secret to draw: write name=volume,volume`);
  const secret = secretIn(join(volumes, "init", name), said);
  for (const owner of owners.split(",")) fileFor(services, join(volumes, owner, name), secret);
}

folderFor(person, desk, 0o700);
// The actuator mounts this folder and sees no private half.
folderFor(person, join(desk, "public"), 0o755);
const { cli, provision, watch } = passwords;
const context = {
  url: process.env["OPERATOR_NATS_URL_OUTSIDE"],
  passwords: { cli, provision, watch },
  subjects: process.env["OPERATOR_SUBJECTS"]?.split(","),
};
fileFor(person, join(desk, "context.json"), `${JSON.stringify(context, undefined, 2)}\n`);
makeApprover();

process.stdout.write(said.length === 0 ? "all secrets are there\n" : `drew ${said.join(", ")}\n`);

/** A key that may approve everything, of the person at whose machine this runs. */
function makeApprover(): void {
  const name = "compose";
  const [privateFile, approversFile] = [join(desk, `${name}.pem`), join(desk, "public", "approvers.json")];
  const isKnown = existsSync(approversFile) && readApprovers(approversFile).some((approver) => approver.name === name);
  if (isKnown && existsSync(privateFile)) return;
  // Half of a pair is of no use.
  if (!isKnown) rmSync(privateFile, { force: true });
  if (isKnown) {
    throw new Error(
      `.operator/compose/public/approvers.json knows the approver "${name}", whose key ${name}.pem is gone: put it back, or remove approvers.json to begin anew`,
    );
  }
  const { key, publicKey, privatePem } = newKey();
  fileFor(person, privateFile, privatePem);
  addApprover(approversFile, { key, name, risks: ["low", "medium", "high"], mode: true, publicKey });
  fileFor(person, approversFile, undefined, 0o644);
  said.push("an approver's key");
}
