import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { addApprover } from "@operator/approval/approvers-file";
import { newKey, readPrivateKey } from "@operator/approval/keys";
import { sign } from "@operator/approval/sign";
import type { Bus } from "@operator/bus/bus";
import type { Action } from "@operator/contracts/action";
import { ActionStatement, ModeStatement } from "@operator/contracts/approval";
import { Control, controlAtFirst, controlKey } from "@operator/contracts/control";
import { flow } from "@operator/contracts/flow";

const executeForMs = 60 * 60_000;
const approveForMs = 10 * 60_000;

/** The demo's approver: a key that is drawn when it starts and is gone when it ends. */
export class ThrowAwayApprover implements Disposable {
  /** The approvers' file, for the actuator. */
  readonly file: string;
  /** Its policy: the built-in one, whose cool-downs pass as fast as everything else does here. */
  readonly policyFile: string;
  readonly #folder = mkdtempSync(join(tmpdir(), "operator-demo-key-"));
  readonly #made = newKey();

  constructor(timeScale: number) {
    this.file = join(this.#folder, "approvers.json");
    this.policyFile = join(this.#folder, "policy.yaml");
    writeFileSync(this.policyFile, `coolDownScale: ${1 / timeScale}\n`);
    const { key, publicKey } = this.#made;
    addApprover(this.file, { key, name: "demo", risks: ["low", "medium", "high"], mode: true, publicKey });
  }

  get key(): string {
    return this.#made.key;
  }

  /** Allows actions to be executed for an hour. */
  async execute(bus: Bus): Promise<void> {
    const bucket = await bus.bucket("control", Control);
    await bucket.change(controlKey, (before = controlAtFirst) => {
      const term = before.term + 1;
      const issuedAtMs = Date.now();
      const about = { key: this.#made.key, issuedAtMs, expiresAtMs: issuedAtMs + executeForMs };
      const statement = this.#sign(ModeStatement.parse({ purpose: "execute_mode", term, ...about }));
      return { ...before, mode: "execute", term, by: "demo", atMs: issuedAtMs, reason: "the demo", statement };
    });
  }

  /** Approves this action, with these parameters, on this evidence. */
  async approve(bus: Bus, action: Action): Promise<void> {
    const control = (await (await bus.bucket("control", Control)).get(controlKey))?.value ?? controlAtFirst;
    const issuedAtMs = Date.now();
    const { proposal } = action;
    const signed = this.#sign(
      ActionStatement.parse({
        purpose: "approve_action",
        action: action.id,
        subject: action.subject,
        kind: proposal.action,
        target: proposal.target,
        parameters: proposal.parameters,
        evidence: action.evidence,
        term: control.term,
        key: this.#made.key,
        issuedAtMs,
        expiresAtMs: issuedAtMs + approveForMs,
      }),
    );
    await bus.publish(flow.approval, { action: action.id, subject: action.subject, signed });
  }

  #sign(statement: ActionStatement | ModeStatement) {
    return sign(statement, readPrivateKey(this.#made.privatePem).privateKey);
  }

  [Symbol.dispose](): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
