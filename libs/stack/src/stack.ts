import { randomBytes } from "node:crypto";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Bus } from "@operator/bus/bus";
import type { UserName } from "@operator/contracts/channel";
import { InstanceName } from "@operator/contracts/names";
import { loadRoom } from "@operator/subject/load";
import type { ProcessSpec } from "@operator/subject/processes";
import { Supervisor } from "@operator/supervisor/server";
import { freePorts } from "./free-port.ts";
import { type NatsServer, startProvisionedNats } from "./nats-server.ts";
import { Program } from "./program.ts";
import { programDriver } from "./program-driver.ts";
import { root } from "./servers.ts";
import { compileCache, findCommands, startSpec } from "./spec-program.ts";

const serviceNames = ["observer", "checker", "ticketer", "diagnoser", "actuator", "chaos"] as const;
/** Only where a plan asks for them: they change the subject. */
const onDemand: readonly ServiceName[] = ["actuator", "chaos"];
export type ServiceName = (typeof serviceNames)[number];

export interface StackPlan {
  subject: string;
  /** How many of each service; 1 unless told, 0 for none. Actuator and chaos: 0 unless told. */
  counts?: Partial<Record<ServiceName, number>>;
  /** Multiplies graces and hold-downs; tests that scale them say so. */
  graceScale?: number;
  /** Divides the waiting times of a simulated subject; one that has no such time is refused. */
  timeScale?: number;
  /** Start the subject's members; true unless told. Without them there's no load either. */
  members?: boolean;
  /** Start the subject's load generators too; true unless told. */
  load?: boolean;
  /** Added to the environment of each instance of a service. */
  environment?: Partial<Record<ServiceName, Record<string, string>>>;
  /** Changes a member before it starts, e.g. to put a proxy in its way. */
  adjust?: (spec: ProcessSpec, ports: Record<string, number>) => ProcessSpec;
  /** Changes the environment with which the observer finds the subject. */
  adjustEnvironment?: (environment: Record<string, string>, ports: Record<string, number>) => Record<string, string>;
  /** Called as each part is up: its name, and the milliseconds since the start. */
  onUp?: (part: string, ms: number) => void;
}

type Parts = Pick<Stack, "folder" | "nats" | "members" | "kinds" | "supervisor" | "environment"> & {
  writeEnvironment: Record<string, string>;
};

/** The whole loop as local processes on a real nats-server, beside a real subject. Everything is on 127.0.0.1, data in a temporary folder. */
export class Stack implements AsyncDisposable {
  readonly subject: string;
  readonly folder: string;
  readonly nats: NatsServer;
  /** The subject's members by target, e.g. `node-a`, `redis`. */
  readonly members: Map<string, Program>;
  /** The kind of each member, e.g. `node`. */
  readonly kinds: Map<string, string>;
  /** Kills, pauses and starts the members, with a socket for each kind of client. */
  readonly supervisor: Supervisor;
  /** What belongs to the subject and is no member: load generators. */
  readonly loads = new Map<string, Program>();
  /** Services by instance, e.g. `checker-1`. */
  readonly services = new Map<string, Program>();
  /** The room's environment, with which its observer finds it. */
  readonly environment: Record<string, string>;
  readonly #plan: StackPlan;
  readonly #writeEnvironment: Record<string, string>;
  readonly #buses: Bus[] = [];

  private constructor(plan: StackPlan, parts: Parts) {
    this.#plan = plan;
    this.subject = plan.subject;
    this.folder = parts.folder;
    this.nats = parts.nats;
    this.members = parts.members;
    this.kinds = parts.kinds;
    this.supervisor = parts.supervisor;
    this.environment = parts.environment;
    this.#writeEnvironment = parts.writeEnvironment;
  }

  static async start(plan: StackPlan): Promise<Stack> {
    const started = Date.now();
    const up = (part: string) => plan.onUp?.(part, Date.now() - started);
    const folder = mkdtempSync(join(tmpdir(), "operator-"));
    mkdirSync(join(folder, "logs"));
    const { processes } = await loadRoom(plan.subject, "processes");
    const ports = Object.fromEntries(
      (await freePorts(processes.ports.length)).map((port, at) => [processes.ports[at] ?? "", port]),
    );
    const secrets = Object.fromEntries(processes.secrets.map((name) => [name, randomBytes(24).toString("base64url")]));
    const nats = await startProvisionedNats({ folder: join(folder, "nats") });
    const logFile = (name: string) => join(folder, "logs", `${name}.log`);
    const environment = processes.environment({ ports, secrets, logFile });
    const members = new Map<string, Program>();
    const kinds = new Map<string, string>();
    const supervisor = await Supervisor.start({
      driver: programDriver(members, kinds),
      folder: join(folder, "supervisor"),
    }).catch(async (error: unknown) => {
      await nats.stop();
      throw error;
    });
    const stack = new Stack(plan, {
      folder,
      nats,
      members,
      kinds,
      supervisor,
      environment: plan.adjustEnvironment?.(environment, ports) ?? environment,
      writeEnvironment: processes.writeEnvironment?.({ secrets }) ?? {},
    });
    try {
      up("nats-server");
      const startAll = async (name: ServiceName) => {
        const instances = Array.from(
          { length: plan.counts?.[name] ?? (onDemand.includes(name) ? 0 : 1) },
          (_, at) => `${name}-${at + 1}`,
        );
        for (const result of await Promise.allSettled(
          instances.map((instance) => stack.startService(name, instance).then(() => up(instance))),
        )) {
          if (result.status === "rejected") throw result.reason;
        }
      };
      const specs = processes
        .specs({ ports, folder, secrets })
        .map((spec) => inTime(spec, plan.timeScale, processes.timeScaleVariable))
        .map((spec) => plan.adjust?.(spec, ports) ?? spec);
      // Services wait for the bus and for each other, so they start at once; the observer last, or it would rightly
      // report members that haven't started yet.
      const results = await Promise.allSettled([
        stack.#startSubject(specs, up).then(() => startAll("observer")),
        ...(["checker", "ticketer", "diagnoser", "actuator", "chaos"] as const).map(startAll),
      ]);
      for (const result of results) if (result.status === "rejected") throw result.reason;
      return stack;
    } catch (error) {
      await stack.stop();
      throw error;
    }
  }

  /** Members in the order of the plan, those of one kind side by side; then what makes load. */
  async #startSubject(specs: ProcessSpec[], up: (part: string) => void): Promise<void> {
    if (this.#plan.members === false) return;
    const commands = await findCommands(specs);
    const start = async (spec: ProcessSpec) => {
      const { name, target } = spec;
      const program = await startSpec(spec, { commands, folder: this.folder, logFile: this.logFile(name) });
      if (target === undefined) this.loads.set(name, program);
      else this.members.set(target, program);
      up(name);
    };
    const members = specs.filter(({ target }) => target !== undefined);
    for (const { target = "", kind = "member" } of members) this.kinds.set(target, kind);
    for (const kind of new Set(members.map((spec) => spec.kind))) {
      await Promise.all(members.filter((spec) => spec.kind === kind).map(start));
    }
    if (this.#plan.load !== false) await Promise.all(specs.filter(({ target }) => target === undefined).map(start));
  }

  logFile(name: string): string {
    return join(this.folder, "logs", `${name}.log`);
  }

  /** Starts one more instance of a service, or an instance again that was started before. */
  async startService(service: ServiceName, instance: string, extra: Record<string, string> = {}): Promise<Program> {
    const before = this.services.get(instance);
    if (before) {
      await before.restart(extra);
      return before;
    }
    const program = await Program.start({
      name: instance,
      file: process.execPath,
      // With these and the two settings of glibc's malloc below, a service stays under 100 MB (observer: 90 instead of 107).
      arguments: ["--max-semi-space-size=4", "--expose-gc", join(root, "services", service, "src", "main.ts")],
      environment: {
        ...compileCache,
        MALLOC_ARENA_MAX: "1",
        MALLOC_TRIM_THRESHOLD_: "131072",
        OPERATOR_NATS_URL: this.nats.url,
        OPERATOR_NATS_PASSWORD: this.nats.passwords[service],
        OPERATOR_INSTANCE: instance,
        OPERATOR_SUBJECT: this.subject,
        OPERATOR_SUBJECTS: this.subject,
        OPERATOR_GRACE_SCALE: String(this.#plan.graceScale ?? 1),
        ...(service === "observer" ? this.environment : {}),
        ...(onDemand.includes(service) ? { ...this.environment, ...this.#writeEnvironment } : {}),
        ...this.#supervisorSocket(service),
        ...this.#plan.environment?.[service],
        ...extra,
      },
      logFile: this.logFile(instance),
      ready: { line: '"msg":"ready"' },
    });
    this.services.set(instance, program);
    return program;
  }

  /** What a service that is a client of the supervisor finds it with; nothing for any other. */
  #supervisorSocket(service: string): Record<string, string> {
    const socket = new Map(Object.entries(this.supervisor.sockets)).get(service);
    return socket === undefined ? {} : { OPERATOR_SUPERVISOR_SOCKET: socket };
  }

  /** A member of the subject by its target. Throws with the names that there are. */
  member(target: string): Program {
    const program = this.members.get(target);
    if (!program) throw new Error(`no member "${target}": there are ${[...this.members.keys()].join(", ")}`);
    return program;
  }

  service(instance: string): Program {
    const program = this.services.get(instance);
    if (!program) throw new Error(`no instance "${instance}": there are ${[...this.services.keys()].join(", ")}`);
    return program;
  }

  /** A connection as this user, closed with the stack. */
  async connect(user: UserName): Promise<Bus> {
    const bus = await Bus.connect({
      servers: this.nats.url,
      user,
      password: this.nats.passwords[user],
      instance: InstanceName.parse(`${user}-${randomBytes(2).toString("hex")}`),
    });
    this.#buses.push(bus);
    return bus;
  }

  /** Stops everything, what depends before what it depends on, and removes the data. */
  async stop(): Promise<void> {
    await Promise.allSettled(this.#buses.splice(0).map((bus) => bus.close()));
    await Promise.allSettled([...this.services.values()].map((program) => program.stop()));
    // A fault that it couldn't revert ends with its member here.
    await this.supervisor.close().catch(() => {});
    await Promise.allSettled([...this.loads.values()].map((program) => program.stop()));
    for (const program of [...this.members.values()].toReversed()) await program.stop().catch(() => program.kill());
    await this.nats.stop();
    rmSync(this.folder, { recursive: true, force: true });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }
}

/** A member whose waiting times are divided by so much. */
function inTime(spec: ProcessSpec, scale: number | undefined, variable: string | undefined): ProcessSpec {
  if (scale === undefined || scale === 1) return spec;
  if (variable === undefined) throw new Error(`time scale ${scale}: the subject's members are real, their time is too`);
  return { ...spec, environment: { ...spec.environment, [variable]: String(scale) } };
}
