import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { addApprover, readApprovers } from "@operator/approval/approvers-file";
import { type Approver, newKey } from "@operator/approval/keys";
import { Risk } from "@operator/contracts/action";
import { type Command, InvalidArgumentError } from "commander";
import { said } from "../approvers-said.ts";
import { CliError } from "../cli-error.ts";
import { programName, type Shell } from "../shell.ts";
import { entry, type Line, paragraph, span, table } from "../terminal/page.ts";
import { jsonOption, show } from "./session.ts";

interface KeysOptions {
  folder?: string;
  json?: boolean;
}

interface NewOptions extends KeysOptions {
  name: string;
  risks: Risk[];
  mode: boolean;
}

/** `operator keys new|list`. Needs no bus: a key is a file. */
export function registerKeys(program: Command, shell: Shell): void {
  const keys = program.command("keys").description("the keys with which people sign what they allow");
  keys
    .command("new")
    .summary("make a key, and add its public half to the approvers")
    .description(
      "Make an Ed25519 key. The private half is written to <name>.pem, for that person alone; the public half is added to approvers.json, which the actuator reads.",
    )
    .requiredOption("--name <name>", "whose key it is; the audit names people so", nameOfKey)
    .option("--risks <names>", "comma-separated: the risks that it may approve, of low, medium, high", risksOf, ["low"])
    .option("--mode", "it may also allow actions to be executed at all", false)
    .option("--folder <dir>", "where both files are (default: .operator)")
    .addOption(jsonOption)
    .action((options: NewOptions) => {
      const folder = folderOf(shell, options);
      const { approver, privateFile, approversFile } = makeKey(folder, options);
      const { publicKey: _, ...shown } = approver;
      show(shell, options, { ...shown, privateFile, approversFile }, () => [
        [span("✓ made", "good"), `  key ${approver.key} of ${approver.name}`],
        ...entry("may approve", rightsOf(approver), shell.columns),
        ...entry(
          "private",
          `${privateFile}: for ${approver.name} alone; whoever has it signs in that name`,
          shell.columns,
        ),
        ...entry(
          "public",
          `${approversFile}: for the actuator (OPERATOR_APPROVERS_FILE), nobody else needs it`,
          shell.columns,
        ),
        ["  ", span(`${programName(shell.env)} actions approve <id> --key ${privateFile}`, "code")],
      ]);
    });
  keys
    .command("list")
    .summary("who may approve what")
    .description("The approvers of a folder's approvers.json: whose key, and what it may approve.")
    .option("--folder <dir>", "where approvers.json is (default: .operator)")
    .addOption(jsonOption)
    .action((options: KeysOptions) => {
      const file = join(folderOf(shell, options), "approvers.json");
      const approvers = said(() => readApprovers(file));
      show(shell, options, { file, approvers }, () => approverLines(approvers, shell.columns));
    });
}

/** The private key first: an approver whose key was never written is one too many. */
function makeKey(folder: string, { name, risks, mode }: Pick<NewOptions, "name" | "risks" | "mode">) {
  const { key, publicKey, privatePem } = newKey();
  const approver: Approver = { key, name, risks, mode, publicKey };
  const [privateFile, approversFile] = [join(folder, `${name}.pem`), join(folder, "approvers.json")];
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    writeFileSync(privateFile, privatePem, { mode: 0o600, flag: "wx" });
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "EEXIST") {
      throw new CliError(
        "KEY_EXISTS",
        `"${privateFile}" is there already, and no key is ever overwritten: take another name`,
      );
    }
    throw new CliError("FILE_UNREADABLE", `"${privateFile}" can't be written: ${wordsOf(error)}`);
  }
  try {
    said(() => addApprover(approversFile, approver));
  } catch (error) {
    rmSync(privateFile, { force: true });
    throw error;
  }
  return { approver, privateFile, approversFile };
}

function folderOf(shell: Shell, { folder }: KeysOptions): string {
  return folder === undefined ? join(shell.root, ".operator") : resolve(folder);
}

function approverLines(approvers: readonly Approver[], columns: number): Line[] {
  if (approvers.length === 0) return paragraph("No approvers: nobody can approve anything.", columns);
  return table(
    [{ title: "KEY" }, { title: "NAME", atLeast: 8 }, { title: "MAY APPROVE" }],
    approvers.map((approver) => [approver.key, span(approver.name, "title"), rightsOf(approver)]),
    columns,
  );
}

function rightsOf({ risks, mode }: Approver): string {
  return `risk ${risks.join(", ")}${mode ? "; that actions are executed at all" : ""}`;
}

function nameOfKey(text: string): string {
  // It becomes a file's name.
  if (/^[A-Za-z0-9][\w-]{0,63}$/.test(text)) return text;
  throw new InvalidArgumentError("1 to 64 letters, digits, _ and - are wanted");
}

function risksOf(text: string): Risk[] {
  const risks = [...new Set(text.split(",").map((risk) => risk.trim()))].map((risk) => {
    const parsed = Risk.safeParse(risk);
    if (parsed.success) return parsed.data;
    throw new InvalidArgumentError(`"${risk}" is no risk: some of ${Risk.options.join(", ")} are wanted`);
  });
  return risks;
}

function wordsOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
