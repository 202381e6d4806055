import type { FaultId } from "@operator/contracts/chaos";
import { Agent } from "undici";
import { z } from "zod";
import { FaultAnswer, type MemberStatus, MembersAnswer, RefusedAnswer, VerbAnswer } from "./answers.ts";
import { quoted, SupervisorError } from "./supervisor-error.ts";

export interface ClientLimits {
  /** For a list; 5 s unless told. */
  listWithinMs?: number;
  /** For a verb; 30 s unless told, which is more than the supervisor takes for any answer. */
  verbWithinMs?: number;
}

/** An answer that is larger is cut off, and the supervisor counts as away. */
const answerBytesMax = 1024 * 1024;

/** What the actuator may ask. Every call throws a SupervisorError, or the reason of its signal. */
export interface ActuatorClient extends AsyncDisposable {
  list(signal?: AbortSignal): Promise<MemberStatus[]>;
  /** Starts a member that isn't running and resolves when it's ready. `already`: it was running. */
  start(target: string, signal?: AbortSignal): Promise<VerbAnswer>;
}

/** A fault's id, and when it ends: after `forMs` (1 s to 10 min), which the supervisor holds, whoever is alive. */
export interface FaultOrder {
  fault: FaultId;
  forMs: number;
}

/** What chaos may ask. */
export interface ChaosClient extends ActuatorClient {
  kill(target: string, order: FaultOrder, signal?: AbortSignal): Promise<FaultAnswer>;
  pause(target: string, order: FaultOrder, signal?: AbortSignal): Promise<FaultAnswer>;
  /** Cuts the member off a network that the list says it's connected to. Refused where members have no networks. */
  disconnect(target: string, order: FaultOrder & { network: string }, signal?: AbortSignal): Promise<FaultAnswer>;
  connect(target: string, network: string, signal?: AbortSignal): Promise<VerbAnswer>;
  unpause(target: string, signal?: AbortSignal): Promise<VerbAnswer>;
  stop(target: string, signal?: AbortSignal): Promise<VerbAnswer>;
  revert(fault: FaultId, signal?: AbortSignal): Promise<FaultAnswer>;
}

export function actuatorClient(socketPath: string, limits: ClientLimits = {}): ActuatorClient {
  const client = chaosClient(socketPath, limits);
  return {
    list: (signal) => client.list(signal),
    start: (target, signal) => client.start(target, signal),
    [Symbol.asyncDispose]: () => client[Symbol.asyncDispose](),
  };
}

export function chaosClient(socketPath: string, limits: ClientLimits = {}): ChaosClient {
  const { listWithinMs = 5_000, verbWithinMs = 30_000 } = limits;
  const agent = new Agent({ connect: { socketPath, timeout: 2_000 }, maxResponseSize: answerBytesMax });
  const ask = <T>(schema: z.ZodType<T>, asked: Omit<Asked, "withinMs">) =>
    askSupervisor(agent, socketPath, schema, {
      withinMs: asked.method === "GET" ? listWithinMs : verbWithinMs,
      ...asked,
    });
  const inject = (verb: "kill" | "pause" | "disconnect") => (target: string, order: FaultOrder, signal?: AbortSignal) =>
    ask(FaultAnswer, { method: "POST", path: memberPath(target, verb), body: order, signal });
  const change =
    (verb: "unpause" | "stop" | "start"): ChaosClient["start"] =>
    (target, signal) =>
      ask(VerbAnswer, { method: "POST", path: memberPath(target, verb), signal });
  return {
    list: async (signal) => (await ask(MembersAnswer, { method: "GET", path: "/members", signal })).members,
    kill: inject("kill"),
    pause: inject("pause"),
    disconnect: inject("disconnect"),
    connect: (target, network, signal) =>
      ask(VerbAnswer, { method: "POST", path: memberPath(target, "connect"), body: { network }, signal }),
    unpause: change("unpause"),
    stop: change("stop"),
    start: change("start"),
    revert: (fault, signal) =>
      ask(FaultAnswer, { method: "POST", path: `/faults/${encodeURIComponent(fault)}/revert`, signal }),
    [Symbol.asyncDispose]: () => agent.destroy(),
  };
}

function memberPath(target: string, verb: string): string {
  return `/members/${encodeURIComponent(target)}/${verb}`;
}

interface Asked {
  method: "GET" | "POST";
  path: string;
  body?: unknown;
  signal: AbortSignal | undefined;
  withinMs: number;
}

async function askSupervisor<T>(agent: Agent, socketPath: string, schema: z.ZodType<T>, asked: Asked): Promise<T> {
  const { method, path, body, signal, withinMs } = asked;
  const late = AbortSignal.timeout(withinMs);
  const what = `${method} ${path} at ${socketPath}`;
  let text: string;
  try {
    const response = await agent.request({
      origin: "http://supervisor",
      method,
      path,
      ...(body === undefined ? {} : { body: JSON.stringify(body), headers: { "content-type": "application/json" } }),
      signal: signal ? AbortSignal.any([signal, late]) : late,
    });
    text = await response.body.text();
  } catch (error) {
    signal?.throwIfAborted();
    if (late.aborted) {
      const then = method === "POST" ? "; whether it was done, the list of members shows" : "";
      throw new SupervisorError("SUPERVISOR_LATE", `${what}: no answer within ${withinMs} ms${then}`, { cause: error });
    }
    const why = error instanceof Error ? error.message : String(error);
    throw new SupervisorError("SUPERVISOR_AWAY", `${what}: ${why}; is the supervisor up?`, { cause: error });
  }
  const json = toJson(text);
  const refused = RefusedAnswer.safeParse(json);
  if (refused.success) throw new SupervisorError(refused.data.refused.code, refused.data.refused.message);
  const answer = schema.safeParse(json);
  if (!answer.success)
    throw new SupervisorError("BAD_ANSWER", `${what} answered ${quoted(text)}: ${z.prettifyError(answer.error)}`);
  return answer.data;
}

function toJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
