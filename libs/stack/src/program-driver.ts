import { readFileSync } from "node:fs";
import { setTimeout as wait } from "node:timers/promises";
import type { Driver } from "@operator/supervisor/driver";
import type { Program } from "./program.ts";

/** The system has stopped, or let go on, all threads of a process within this time. */
const signalWithinMs = 2_000;

/**
 * The supervisor's driver over programs of this process, by target, in the order of `kinds`. Both maps are read anew each
 * time: a member that hasn't been started yet isn't there.
 */
export function programDriver(members: Map<string, Program>, kinds: Map<string, string>): Driver {
  const member = (target: string) => {
    const program = members.get(target);
    if (!program) throw new Error(`no member "${target}": there are ${[...members.keys()].join(", ")}`);
    return program;
  };
  const signalTo = async (target: string, signal: "SIGSTOP" | "SIGCONT", state: "paused" | "running") => {
    const program = member(target);
    program.signal(signal);
    const deadline = Date.now() + signalWithinMs;
    while (stateOf(program) !== state) {
      if (!program.running) throw new Error(`${target} ended with ${program.ending}`);
      if (Date.now() > deadline) throw new Error(`${target} isn't ${state} ${signalWithinMs} ms after ${signal}`);
      await wait(5);
    }
  };
  return {
    members: async () =>
      [...kinds].flatMap(([target, kind]) => {
        const program = members.get(target);
        return program ? [{ target, kind, state: stateOf(program) }] : [];
      }),
    kill: (target) => member(target).kill(),
    pause: (target) => signalTo(target, "SIGSTOP", "paused"),
    unpause: (target) => signalTo(target, "SIGCONT", "running"),
    stop: (target) => member(target).stop(),
    start: async (target) => {
      const program = member(target);
      if (stateOf(program) === "stopped") await program.exited;
      await program.restart();
    },
  };
}

/** Read from the process itself, so that a signal from elsewhere is seen as well. Needs Linux's /proc. */
function stateOf(program: Program): "running" | "paused" | "stopped" {
  if (!program.running) return "stopped";
  let stat: string;
  try {
    stat = readFileSync(`/proc/${program.pid}/stat`, "utf8");
  } catch (error) {
    // Ended and reaped, and its end isn't told to us yet.
    if (error instanceof Error && "code" in error && error.code === "ENOENT" && process.platform === "linux")
      return "stopped";
    throw error;
  }
  // `pid (name) state …`: the name may contain anything, the state follows the last parenthesis.
  const state = stat.slice(stat.lastIndexOf(")") + 2, stat.lastIndexOf(")") + 3);
  if (state === "Z" || state === "X") return "stopped";
  return state === "T" ? "paused" : "running";
}
