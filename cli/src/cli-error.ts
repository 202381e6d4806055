import { BusError } from "@operator/bus/failure";

/** An ending that the person at the keyboard can do something about: a code, the bad value quoted, what to do. */
export class CliError extends Error {
  readonly code: string;
  readonly exitCode: number;
  /** What the error says beside its message, for `--json`. */
  readonly details: Record<string, unknown>;

  readonly #failure: Failure;

  constructor(failure: Failure, message: string, details: Record<string, unknown> & { code?: string } = {}) {
    super(message);
    const { code, ...rest } = details;
    this.#failure = failure;
    this.code = code ?? failure;
    this.exitCode = failures[failure].exit;
    this.details = rest;
  }

  /** The same failure in other words. */
  saying(message: string): CliError {
    const { code, details } = this;
    return new CliError(this.#failure, message, { ...details, code });
  }
}

/** Any failure as one that can be shown: the bus's own codes become ours, what nobody expected says that it's a bug. */
export function toCliError(error: unknown): CliError {
  if (error instanceof CliError) return error;
  const message = error instanceof Error ? error.message : String(error);
  if (error instanceof BusError) {
    const { code: busCode } = error;
    if (busCode === "BUS_FORBIDDEN" || busCode === "BUS_REFUSED")
      return new CliError("BUS_REFUSED", message, { busCode });
    if (busCode === "BUS_AWAY" || busCode === "BUS_CLOSED")
      return new CliError("BUS_UNREACHABLE", message, { busCode });
    if (busCode.startsWith("BAD_") || busCode === "TOO_LARGE")
      return new CliError("DATA_UNREADABLE", message, { busCode });
    return new CliError("BUS_REJECTED", message, { busCode });
  }
  return new CliError("UNEXPECTED", `unexpected, please report it: ${message}`);
}

/** Every way a command can end badly, with its exit code. `docs/cli.md` lists it. */
export const failures = {
  UNEXPECTED: { exit: 1, means: "an assumption of the command itself broke: a bug" },
  COMMAND_REFUSED: {
    exit: 3,
    means: "the ticketer, the actuator or chaos refused; the error carries their own code and reason",
  },
  MODE_CHANGED: { exit: 3, means: "somebody else changed the mode meanwhile" },
  NO_ANSWER: { exit: 4, means: "it was sent, and nobody who carries it out answered in time" },
  DOCTOR_FAILED: { exit: 5, means: "`doctor` found something that doesn't work" },
  BUS_DIFFERS: {
    exit: 5,
    means: "`provision` found something on the server that it may not change to what is planned",
  },
  UNHEALTHY: { exit: 5, means: "a service didn't become healthy; what was started runs on" },
  NOT_SETTLED: { exit: 6, means: "the kill switch is acknowledged, but what was in flight wasn't settled in time" },
  NOT_ACKNOWLEDGED: {
    exit: 9,
    means: "the kill switch's write wasn't acknowledged: it isn't known to be engaged; also after Ctrl-C",
  },
  NOT_CONFIRMED: { exit: 7, means: "the person was asked and didn't say yes; nothing was signed or sent" },
  ENDED_OTHERWISE: {
    exit: 8,
    means: "what was waited for ended otherwise: an action not verified, a fault that failed",
  },
  USAGE: { exit: 64, means: "a wrong command, option or value" },
  SUBJECT_NEEDED: { exit: 64, means: "there are several subjects and none was named" },
  SUBJECT_UNKNOWN: { exit: 64, means: "no subject of that name is known" },
  TICKET_AMBIGUOUS: { exit: 64, means: "several tickets fit what was typed" },
  TICKET_SUPERSEDED: { exit: 64, means: "the ticket is over and came back as another one, which is to be named" },
  ACTION_AMBIGUOUS: { exit: 64, means: "several actions fit what was typed" },
  DEAD_LETTER_AMBIGUOUS: { exit: 64, means: "several dead letters fit what was typed" },
  DATA_UNREADABLE: { exit: 65, means: "what the bus holds can't be read as what it should be" },
  TICKET_UNKNOWN: { exit: 66, means: "no ticket fits what was typed" },
  EVIDENCE_MISSING: { exit: 66, means: "the snapshots that a diagnosis would rest on aren't kept any more" },
  ACTION_UNKNOWN: { exit: 66, means: "no action fits what was typed" },
  AUDIT_UNKNOWN: { exit: 66, means: "nothing in the audit is about what was typed" },
  FAULT_NOT_HERE: { exit: 69, means: "the demo's local processes can't have this fault; containers can" },
  FAULT_UNKNOWN: { exit: 66, means: "no fault that chaos knows fits what was typed" },
  SILENCE_UNKNOWN: { exit: 66, means: "there is no such silence, or not any more" },
  SNAPSHOT_UNKNOWN: { exit: 66, means: "there is no such snapshot, or not any more" },
  POINTER_UNKNOWN: { exit: 66, means: "the JSON pointer names nothing in the snapshot" },
  DEAD_LETTER_UNKNOWN: { exit: 66, means: "there is no such dead letter" },
  PROJECT_MISSING: { exit: 66, means: "no checkout of the project is here, whose compose.yaml could be started" },
  SERVICE_UNKNOWN: { exit: 66, means: "compose.yaml has no such service" },
  NOT_DEPLOYED: { exit: 66, means: "there is no container to be restarted" },
  DOCKER_MISSING: { exit: 69, means: "there is no `docker`, or it has no `docker compose`" },
  DOCKER_TOO_OLD: { exit: 69, means: "`docker compose` is older than 2.20, or the engine older than 20.10" },
  DOCKER_AWAY: { exit: 69, means: "the Docker engine doesn't answer, or not to this user" },
  PORT_TAKEN: { exit: 69, means: "somebody else has a port that a service publishes" },
  MEMORY_SHORT: { exit: 69, means: "what is to be started uses more memory than is free" },
  COMPOSE_FAILED: { exit: 70, means: "`docker compose` failed for a reason of its own, which the message quotes" },
  BUS_REJECTED: { exit: 69, means: "the bus refused what was asked for a reason of its own, which the message quotes" },
  BUS_UNREACHABLE: { exit: 69, means: "no NATS server answered within 3 s" },
  BUS_INCOMPLETE: { exit: 69, means: "the bus answers, but a stream or bucket isn't there: it isn't provisioned" },
  KEY_EXISTS: { exit: 73, means: "there is a key or an approver of that name already" },
  FILE_UNREADABLE: { exit: 74, means: "a file couldn't be read or written" },
  BUS_REFUSED: { exit: 77, means: "the bus refused the user, the password, or what the command asked for" },
  KEY_UNUSABLE: { exit: 78, means: "the private key isn't there, is none, or others can read it" },
  APPROVERS_UNUSABLE: {
    exit: 78,
    means: "the approvers' file isn't there, isn't what it should be, or others can write it",
  },
  POLICY_UNUSABLE: { exit: 78, means: "the policy isn't there, isn't what it should be, or names what no room has" },
  CONTEXT_INVALID: { exit: 78, means: "the context file isn't there or isn't what it should be" },
  PASSWORD_MISSING: { exit: 78, means: "no password for the bus was given" },
} as const satisfies Record<string, { exit: number; means: string }>;
export type Failure = keyof typeof failures;
