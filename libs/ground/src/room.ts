import type { Action } from "@operator/subject/action";
import type { Playbook } from "@operator/subject/case-file";
import { loadReadTools, loadRoom } from "@operator/subject/load";
import type { ReadTool } from "@operator/subject/read-tool";
import type { StateParts } from "@operator/subject/state";
import { tools } from "@operator/subject/tools";
import type { Topology } from "@operator/subject/topology";

/** What a room brings to a diagnosis. */
export interface Room {
  playbook: Playbook;
  playbookName: string;
  topology: Topology<never>;
  state: StateParts;
  actions: readonly Action<never>[];
  /** Loaded when a model is to be told of them. */
  readTools: () => Promise<readonly ReadTool[]>;
}

/** Only what a diagnosis needs of a subject's room, with the tools that every subject has. Throws when there is no such room. */
export async function openRoom(subject: string): Promise<Room> {
  const [{ playbook, playbookName }, { topology }, { state }, { actions }] = await Promise.all([
    loadRoom(subject, "playbook"),
    loadRoom(subject, "topology"),
    loadRoom(subject, "state"),
    loadRoom(subject, "actions"),
  ]);
  return {
    playbook,
    playbookName,
    topology,
    state,
    actions: [...actions, ...tools],
    readTools: () => loadReadTools(subject),
  };
}
