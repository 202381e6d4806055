import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { newKey, readPrivateKey } from "@operator/approval/keys";
import { sign } from "@operator/approval/sign";
import type { Bucket } from "@operator/bus/bucket";
import type { Bus } from "@operator/bus/bus";
import { readInOrder } from "@operator/bus/read-in-order";
import { Action, type ActionNote, type Risk } from "@operator/contracts/action";
import type { ActionId } from "@operator/contracts/action-id";
import { ActionStatement, ModeStatement } from "@operator/contracts/approval";
import { Control, controlAtFirst, controlKey } from "@operator/contracts/control";
import { DiagnosisEvent } from "@operator/contracts/diagnosis";
import { flow } from "@operator/contracts/flow";
import { atPointer } from "@operator/contracts/json";
import { Ticket } from "@operator/contracts/ticket";
import { Stack } from "@operator/stack/stack";
import { z } from "zod";

/** A person with a key. */
export interface Person {
  key: string;
  sign: (statement: Omit<ActionStatement, "key"> | Omit<ModeStatement, "key">) => {
    statement: string;
    signature: string;
  };
}

/** The loop on a real rate limiter with actuators, and people who approve. The diagnoser's part is played by the test, with its credentials. */
export class Acting implements AsyncDisposable {
  readonly stack: Stack;
  readonly cli: Bus;
  readonly diagnoser: Bus;
  readonly actions: Bucket<Action>;
  readonly control: Bucket<Control>;
  readonly tickets: Bucket<Ticket>;
  readonly approversFile: string;
  readonly #environment: Record<string, string>;
  #actuators = 0;

  private constructor(
    about: Pick<Acting, "stack" | "cli" | "diagnoser" | "actions" | "control" | "tickets" | "approversFile">,
  ) {
    this.stack = about.stack;
    this.cli = about.cli;
    this.diagnoser = about.diagnoser;
    this.actions = about.actions;
    this.control = about.control;
    this.tickets = about.tickets;
    this.approversFile = about.approversFile;
    this.#environment = { OPERATOR_APPROVERS_FILE: this.approversFile };
  }

  static async start(): Promise<Acting> {
    const stack = await Stack.start({ subject: "ratelimiter", counts: { diagnoser: 0 }, load: false });
    const [cli, diagnoser] = [await stack.connect("cli"), await stack.connect("diagnoser")];
    const [actions, control] = [await cli.bucket("actions", Action), await cli.bucket("control", Control)];
    const tickets = await cli.bucket("tickets", Ticket);
    const approversFile = join(stack.folder, "approvers.json");
    const acting = new Acting({ stack, cli, diagnoser, actions, control, tickets, approversFile });
    acting.#write([]);
    return acting;
  }

  readonly #approvers: { key: string; name: string; risks: Risk[]; mode: boolean; publicKey: string }[] = [];

  /** A key that the approvers' file names. */
  person(
    name: string,
    { risks = ["low", "medium", "high"], mode = true }: { risks?: Risk[]; mode?: boolean } = {},
  ): Person {
    const made = newKey();
    this.#write([...this.#approvers, { key: made.key, name, risks, mode, publicKey: made.publicKey }]);
    return personOf(made);
  }

  /** A key that nobody knows. */
  stranger(): Person {
    return personOf(newKey());
  }

  async actuator(environment: Record<string, string> = {}) {
    this.#actuators += 1;
    return await this.stack.startService("actuator", `actuator-${this.#actuators}`, {
      ...this.#environment,
      ...environment,
    });
  }

  /** Allows actions to be executed, in a new term. */
  async execute(person: Person, forMs = 600_000): Promise<number> {
    const now = (await this.control.get(controlKey))?.value ?? controlAtFirst;
    const term = now.term + 1;
    const issuedAtMs = Date.now();
    const statement = person.sign({ purpose: "execute_mode", term, issuedAtMs, expiresAtMs: issuedAtMs + forMs });
    await this.control.change(controlKey, (before = controlAtFirst) => ({
      ...before,
      mode: "execute",
      term,
      by: "test",
      atMs: Date.now(),
      reason: "a test",
      statement,
    }));
    return term;
  }

  /** The kill switch. Resolves when its write is acknowledged. */
  async killSwitch(): Promise<Control> {
    const written = await this.control.change(controlKey, (before = controlAtFirst) => {
      const { statement: _, ...rest } = before;
      return {
        ...rest,
        mode: "observe" as const,
        term: before.term + 1,
        by: "test",
        atMs: Date.now(),
        reason: "kill switch",
      };
    });
    if (!written) throw new Error("the kill switch wrote nothing");
    return written.value;
  }

  async ticket(target: string): Promise<Ticket> {
    return await this.until(`a ticket about ${target}`, async () => {
      const found = await this.tickets.get(`ratelimiter.node_down.${target}`);
      return found?.value.status === "open" && found.value.violation.firstBad ? found.value : undefined;
    });
  }

  /** Publishes a diagnosis that the validator accepts, with these proposals. `change` may spoil it. */
  async diagnose(
    ticket: Ticket,
    proposals: { action: string; target: string; parameters: Record<string, string | number> }[],
    {
      attempt = 1,
      change = (event) => event,
    }: { attempt?: number; change?: (event: DiagnosisEvent) => DiagnosisEvent } = {},
  ): Promise<void> {
    const { firstBad } = ticket.violation;
    if (!firstBad) throw new Error("the ticket names no evidence");
    const snapshot = (await this.cli.last(flow.evidence, firstBad.address))?.message;
    const pointer = `/parts/probe/${ticket.target}/state`;
    const value = atPointer(snapshot, pointer);
    const about = { subject: ticket.subject, ticket: ticket.id, attempt, by: "diagnoser-1", atMs: Date.now() };
    const said = DiagnosisEvent.parse({
      phase: "finished",
      ...about,
      result: {
        kind: "done",
        diagnosis: {
          engine: { kind: "claude", name: "a test in the diagnoser's place" },
          facts: [{ id: "E1", address: firstBad.address, pointer, value, atMs: snapshot?.atMs }],
          answer: {
            verdict: "fault",
            headline: `${ticket.target} crashed`,
            rootCauses: [{ category: "crashed", target: ticket.target, mechanism: "it refuses", evidence: ["E1"] }],
            confidence: 0.9,
            timeline: [],
            evidence: [{ id: "E1", quote: String(value), shows: "nothing listens" }],
            alternatives: [],
            options: [],
            proposals: proposals.map((proposal) => ({ ...proposal, why: "a test wants it" })),
            verify: [],
            missing: [],
          },
        },
      },
    });
    await this.diagnoser.publish(flow.diagnosis, change(said));
  }

  /** A person's word about an action. `change` may spoil the statement, `send` what is sent. */
  async say(
    person: Person,
    action: Action,
    {
      purpose = "approve_action",
      change = (statement) => statement,
    }: {
      purpose?: ActionStatement["purpose"];
      change?: (statement: Omit<ActionStatement, "key">) => Omit<ActionStatement, "key">;
    } = {},
  ): Promise<{ statement: string; signature: string }> {
    const control = (await this.control.get(controlKey))?.value ?? controlAtFirst;
    const issuedAtMs = Date.now();
    const { proposal } = action;
    const signed = person.sign(
      change({
        purpose,
        action: action.id,
        subject: action.subject,
        kind: proposal.action,
        target: proposal.target,
        parameters: proposal.parameters,
        evidence: action.evidence,
        term: control.term,
        issuedAtMs,
        expiresAtMs: issuedAtMs + 600_000,
      }),
    );
    await this.cli.publish(flow.approval, { action: action.id, subject: action.subject, signed });
    return signed;
  }

  /** The action of this id, or the ticket's first one, when it has come to one of these states. */
  async action(id: ActionId | string, ...states: Action["state"][]): Promise<Action> {
    return await this.until(`${id} is ${states.join(" or ")}`, async () => {
      const found = (await this.actions.get(id))?.value;
      return found && states.includes(found.state) ? found : undefined;
    });
  }

  /** Notes of this kind, as they are in ACTIONS now. */
  async notes(kind: ActionNote["kind"]): Promise<ActionNote[]> {
    const notes: ActionNote[] = [];
    const stop = new AbortController();
    for await (const batch of readInOrder(this.cli, flow.note, { from: "first", signal: stop.signal })) {
      notes.push(...batch.received.map(({ message }) => message));
      if (batch.caughtUp) break;
    }
    return notes.filter((note) => note.kind === kind);
  }

  /** Waits until `look` finds something. */
  async until<T>(what: string, look: () => Promise<T | undefined>, withinMs = 30_000): Promise<T> {
    const end = Date.now() + withinMs;
    for (;;) {
      const found = await look();
      if (found !== undefined) return found;
      if (Date.now() > end) throw new Error(`${what}: not within ${withinMs} ms`);
      await sleep(50);
    }
  }

  #write(approvers: { key: string; name: string; risks: Risk[]; mode: boolean; publicKey: string }[]): void {
    this.#approvers.splice(0, this.#approvers.length, ...approvers);
    writeFileSync(this.approversFile, JSON.stringify({ approvers }), { mode: 0o600 });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stack.stop();
  }
}

const Statement = z.union([ActionStatement, ModeStatement]);

function personOf({ key, privatePem }: { key: string; privatePem: string }): Person {
  const { privateKey } = readPrivateKey(privatePem);
  return { key, sign: (statement) => sign(Statement.parse({ ...statement, key }), privateKey) };
}
