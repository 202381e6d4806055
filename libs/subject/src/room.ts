import type { z } from "zod";
import type { Action } from "./action.ts";
import type { Fault } from "./fault.ts";
import type { Invariant } from "./invariant.ts";
import type { Observation } from "./observation.ts";
import type { Playbook } from "./case-file.ts";
import type { ProcessPlan } from "./processes.ts";
import type { ReadTool } from "./read-tool.ts";
import type { Scenario } from "./scenario.ts";
import type { StateParts } from "./state.ts";
import type { Topology } from "./topology.ts";

/** What each file of a room exports, by file name. The state's type is the room's own affair, so here it is `never`. */
export interface RoomFiles {
  state: { state: StateParts };
  observe: { observe: (environment: Record<string, string | undefined>) => Promise<Observation> };
  /** A room may have none. */
  observations: { observations: ReadTool[] };
  invariants: { invariants: Invariant<never>[] };
  topology: { topology: Topology<never> };
  playbook: { playbook: Playbook; playbookName: string };
  actions: { actions: Action<never>[] };
  /**
   * `scenarios`: those of more than one fault. `story`: what the demo tells unless told, scenarios by name. `timeScale`: what
   * it divides times by where they are minutes that nobody wants to wait for, the loop's and the simulated subject's alike.
   */
  faults: { faults: Fault[]; scenarios: Scenario[]; story: string[]; timeScale?: number };
  /** `settings`: the room's environment, variable by variable. */
  settings: { settings: z.ZodRawShape; settingsHelp: { name: string; about: string; default?: string }[] };
  processes: { processes: ProcessPlan };
}
