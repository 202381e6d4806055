/** One program of a subject where there is no Docker. */
export interface ProcessSpec {
  name: string;
  /** The target that this process is, when it's a member of the subject; a load generator is none. */
  target?: string;
  /** What kind of member it is, e.g. `node`: with it a fault has a name, `kill_node`. */
  kind?: string;
  /** `node` is the running Node; the launcher finds the others, and only those that a plan names. */
  command: "node" | "redis-server" | "prometheus";
  arguments: string[];
  environment: Record<string, string>;
  /** Written before its start, name → content: each a file of that name in the folder that the plan was told. */
  files?: Record<string, string>;
  /** Ready when this TCP port of 127.0.0.1 accepts, and, when given, this URL answers 200. */
  ready: { port: number } | { url: string } | { line: string };
  labels: Record<string, string>;
}

/** What runs for a subject, in the order of their start; each is told free ports and a folder of its own. */
export interface ProcessPlan {
  /** Names of the ports wanted, e.g. `redis`, `node-a`. */
  ports: string[];
  specs: (given: { ports: Record<string, number>; folder: string; secrets: Record<string, string> }) => ProcessSpec[];
  /** Secrets to draw, e.g. `managementToken`. */
  secrets: string[];
  /** The environment with which the operator's services find what was started, and where a program by its name logs. */
  environment: (given: {
    ports: Record<string, number>;
    secrets: Record<string, string>;
    logFile: (name: string) => string;
  }) => Record<string, string>;
  /**
   * The variable that divides the members' own waiting times, where they are simulated: a grace that is shorter than what
   * the subject needs to recover would call its recovery a fault, so who shortens the loop's times shortens the subject's.
   */
  timeScaleVariable?: string;
  /** Added for the services that may change the subject, actuator and chaos: with it they're let in. */
  writeEnvironment?: (given: { secrets: Record<string, string> }) => Record<string, string>;
}
