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
import { ActionStatement, ModeStatement, type Signed } from "@operator/contracts/approval";
import { Control, controlAtFirst, controlKey } from "@operator/contracts/control";
import { DiagnosisEvent } from "@operator/contracts/diagnosis";
import type { UserName } from "@operator/contracts/channel";
import { flow } from "@operator/contracts/flow";
import { atPointer } from "@operator/contracts/json";
import { Ticket } from "@operator/contracts/ticket";
import { partsOfTicketId } from "@operator/contracts/ticket-id";
import { violationKeyOf } from "@operator/contracts/violation";
import type { Program } from "@operator/stack/program";
import { Stack } from "@operator/stack/stack";
import { z } from "zod";

/** A person with a key. */
export interface Person {
  key: string;
  publicKey: string;
  sign: (statement: Unsigned | UnsignedMode) => Signed;
}
type Unsigned = Omit<z.input<typeof ActionStatement>, "key">;
type UnsignedMode = Omit<z.input<typeof ModeStatement>, "key">;

/** Where actuators run: a bus with its users, and a folder. */
export interface Place extends AsyncDisposable {
  readonly folder: string;
  connect: (user: UserName) => Promise<Bus>;
  /** Starts an actuator, or one again that was started before. */
  actuator: (instance: string, environment: Record<string, string>) => Promise<Program>;
}

/** The whole loop on a real rate limiter. The diagnoser's part is played by the test. */
export async function realLimiter(): Promise<Place & { stack: Stack }> {
  const stack = await Stack.start({ subject: "ratelimiter", counts: { diagnoser: 0 }, load: false });
  return {
    stack,
    folder: stack.folder,
    connect: (user) => stack.connect(user),
    actuator: (instance, environment) => stack.startService("actuator", instance, environment),
    [Symbol.asyncDispose]: () => stack.stop(),
  };
}

/** Actuators somewhere, and people who approve. The diagnoser's part is played by the test, with its credentials. */
export class Acting<Where extends Place = Place> implements AsyncDisposable {
  readonly place: Where;
  readonly cli: Bus;
  readonly diagnoser: Bus;
  readonly actions: Bucket<Action>;
  readonly control: Bucket<Control>;
  readonly tickets: Bucket<Ticket>;
  readonly approversFile: string;
  readonly #environment: Record<string, string>;
  #actuators = 0;

  private constructor(
    about: Pick<Acting<Where>, "place" | "cli" | "diagnoser" | "actions" | "control" | "tickets" | "approversFile">,
  ) {
    this.place = about.place;
    this.cli = about.cli;
    this.diagnoser = about.diagnoser;
    this.actions = about.actions;
    this.control = about.control;
    this.tickets = about.tickets;
    this.approversFile = about.approversFile;
    this.#environment = { OPERATOR_APPROVERS_FILE: this.approversFile };
  }

  static async at<Where extends Place>(place: Where): Promise<Acting<Where>> {
    const [cli, diagnoser] = [await place.connect("cli"), await place.connect("diagnoser")];
    const [actions, control] = [await cli.bucket("actions", Action), await cli.bucket("control", Control)];
    const tickets = await cli.bucket("tickets", Ticket);
    const approversFile = join(place.folder, "approvers.json");
    const acting = new Acting({ place, cli, diagnoser, actions, control, tickets, approversFile });
    acting.#write([]);
    return acting;
  }

  readonly #approvers: { key: string; name: string; risks: Risk[]; mode: boolean; publicKey: string }[] = [];

  /** A key that the approvers' file names. */
  person(name: string, given: { risks?: Risk[]; mode?: boolean } = {}): Person {
    const person = personOf(newKey());
    this.admit(person, name, given);
    return person;
  }

  /** The approvers' file names this key from now on. */
  admit(
    { key, publicKey }: Person,
    name: string,
    { risks = ["low", "medium", "high"], mode = true }: { risks?: Risk[]; mode?: boolean } = {},
  ): void {
    this.#write([...this.#approvers, { key, name, risks, mode, publicKey }]);
  }

  /** A key that nobody knows. */
  stranger(): Person {
    return personOf(newKey());
  }

  /** One actuator more. */
  async actuator(environment: Record<string, string> = {}): Promise<Program> {
    this.#actuators += 1;
    return await this.place.actuator(`actuator-${this.#actuators}`, { ...this.#environment, ...environment });
  }

  /** Writes that actions may be executed, in a new term. `change` may spoil what is signed for it, or leave it out. */
  async execute(
    person: Person,
    change: (statement: UnsignedMode) => UnsignedMode | undefined = (statement) => statement,
    term = 0,
  ): Promise<number> {
    const now = (await this.control.get(controlKey))?.value ?? controlAtFirst;
    term ||= now.term + 1;
    const issuedAtMs = Date.now();
    const said = change({ purpose: "execute_mode", term, issuedAtMs, expiresAtMs: issuedAtMs + 600_000 });
    await this.control.change(controlKey, (before = controlAtFirst) => {
      const { statement: _, ...rest } = before;
      const now = { mode: "execute" as const, term, by: "test", atMs: Date.now(), reason: "a test" };
      return { ...rest, ...now, ...(said && { statement: person.sign(said) }) };
    });
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

  /** The ticket that an action is about. */
  async ticketOf({ ticket }: Action): Promise<Ticket> {
    const found = (await this.tickets.get(violationKeyOf(partsOfTicketId(ticket))))?.value;
    if (!found) throw new Error(`no ticket ${ticket}`);
    return found;
  }

  /** Publishes a diagnosis that the validator accepts, with these proposals. `change` may spoil it. */
  async diagnose(
    ticket: Ticket,
    proposals: { action: string; target: string; parameters: Record<string, string | number> }[],
    {
      attempt = 1,
      change = (event) => event,
    }: { attempt?: number; change?: (event: DiagnosisEvent) => z.input<typeof DiagnosisEvent> } = {},
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
    await this.diagnoser.publish(flow.diagnosis, DiagnosisEvent.parse(change(said)));
  }

  /** A person's word about an action. `change` may spoil the statement, `send` what is sent. */
  async say(
    person: Person,
    action: Action,
    {
      purpose = "approve_action",
      change = (statement) => statement,
      send = (signed) => signed,
    }: {
      purpose?: ActionStatement["purpose"];
      change?: (statement: Unsigned) => Unsigned;
      send?: (signed: Signed) => Signed;
    } = {},
  ): Promise<Signed> {
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
    const sent = send(signed);
    await this.cli.publish(flow.approval, { action: action.id, subject: action.subject, signed: sent });
    return sent;
  }

  /** The actuator's answer to what was sent: the notes that carry this very statement, at least so many. */
  async answersTo({ statement }: Signed, count = 1): Promise<ActionNote[]> {
    return await this.until(`${count} answers to ${statement}`, async () => {
      const notes = [...(await this.notes("approval_accepted")), ...(await this.notes("approval_refused"))];
      const about = notes.filter((note) => note.statement === statement);
      return about.length >= count ? about : undefined;
    });
  }

  /** A proposal of the ticket's first attempt, proposed by a diagnosis and taken by an actuator. */
  async proposed(
    ticket: Ticket,
    proposal: { action: string; target: string; parameters: Record<string, string | number> },
    attempt = 1,
  ): Promise<Action> {
    await this.diagnose(ticket, [proposal], { attempt });
    return await this.action(`${ticket.id}.${attempt}.1`, "proposed", "approved");
  }

  /** The action of this id, or the ticket's first one, when it has come to one of these states. */
  async action(id: ActionId | string, ...states: Action["state"][]): Promise<Action> {
    return await this.until(`${id} is ${states.join(" or ")}`, async () => {
      const found = (await this.actions.get(id))?.value;
      return found && states.includes(found.state) ? found : undefined;
    });
  }

  /** Waits until nothing is in flight. */
  async settled(withinMs = 30_000): Promise<void> {
    const look = async () => {
      const inFlight = (await this.control.get(controlKey))?.value.inFlight ?? {};
      return Object.keys(inFlight).length === 0 ? true : undefined;
    };
    await this.until("nothing is in flight", look, withinMs);
  }

  /** Longer than actuators need to look at every action a few times: what hasn't happened by then doesn't. */
  async beats(): Promise<void> {
    await sleep(1_000);
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
    await this.place[Symbol.asyncDispose]();
  }
}

const Statement = z.union([ActionStatement, ModeStatement]);

function personOf({ key, publicKey, privatePem }: { key: string; publicKey: string; privatePem: string }): Person {
  const { privateKey } = readPrivateKey(privatePem);
  return { key, publicKey, sign: (statement) => sign(Statement.parse({ ...statement, key }), privateKey) };
}
