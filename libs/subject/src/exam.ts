import type { z } from "zod";
import { examineActions } from "./exam-actions.ts";
import { examineExplanations, examineInvariants, examineTopology } from "./exam-rules.ts";
import { examinePlaybook } from "./exam-playbook.ts";
import { examineProcesses, examineSettings } from "./exam-settings.ts";
import { examineReadTools } from "./exam-read-tools.ts";
import { InvariantShape, optionalShapes, roomShapes } from "./exam-shapes.ts";
import { hasFile, loadRoom } from "./load.ts";
import type { RoomFiles } from "./room.ts";

/** All of a room's exports by file; a test may examine one that it made up. */
export type WholeRoom = { [File in Exclude<keyof RoomFiles, "faults" | Optional>]: RoomFiles[File] } & {
  [File in Optional]?: RoomFiles[File];
};
type Optional = keyof typeof optionalShapes;

/** The shared exam of every room: what is wrong with it, a sentence each that names file and thing. Empty: it passes. */
export async function examineRoom(name: string): Promise<string[]> {
  const complaints: string[] = [];
  const loaded = async <File extends keyof RoomFiles>(file: File): Promise<RoomFiles[File]> => {
    try {
      return await loadRoom(name, file);
    } catch (error) {
      complaints.push(`${file}.ts can't be loaded: ${error instanceof Error ? error.message : String(error)}`);
      throw error;
    }
  };
  try {
    const room: WholeRoom = {
      state: await loaded("state"),
      observe: await loaded("observe"),
      invariants: await loaded("invariants"),
      topology: await loaded("topology"),
      playbook: await loaded("playbook"),
      actions: await loaded("actions"),
      settings: await loaded("settings"),
      processes: await loaded("processes"),
      ...(hasFile(name, "observations") && { observations: await loaded("observations") }),
    };
    return examine(room);
  } catch (error) {
    return complaints.length > 0 ? complaints : [`the exam itself failed: ${String(error)}`];
  }
}

/** The exam of a room that is loaded. What has the wrong shape isn't examined further. */
export function examine(room: WholeRoom): string[] {
  const given = new Map<string, unknown>(Object.entries(room));
  const wanted = Object.entries(optionalShapes).filter(([file]) => given.has(file));
  const misshapen = [...Object.entries(roomShapes), ...wanted].flatMap(([file, shape]) => {
    const parsed = shape.safeParse(given.get(file));
    return parsed.success ? [] : parsed.error.issues.map((issue) => say(`${file}.ts`, issue));
  });
  const badInvariants = Array.isArray(room.invariants?.invariants)
    ? room.invariants.invariants.flatMap((invariant, i) => {
        const parsed = InvariantShape.safeParse(invariant);
        const about = `invariants.ts: ${typeof invariant?.name === "string" ? invariant.name : `number ${i + 1}`}`;
        return parsed.success ? [] : parsed.error.issues.map((issue) => say(about, issue));
      })
    : [];
  if (misshapen.length + badInvariants.length > 0) return [...misshapen, ...badInvariants];
  const { invariants } = room.invariants;
  const { topology } = room.topology;
  return [
    ...examineInvariants(invariants, room.state.state),
    ...examineExplanations(invariants, topology.explanations),
    ...examineTopology(topology),
    ...examinePlaybook(room.playbook, invariants),
    ...examineActions(room.actions.actions, invariants),
    ...examineReadTools(room.observations?.observations ?? []),
    ...examineSettings(room.settings),
    ...examineProcesses(room.processes.processes, room.settings.settings),
  ];
}

function say(about: string, issue: z.core.$ZodIssue): string {
  return `${about}: ${issue.path.length > 0 ? `${issue.path.join(".")}: ` : ""}${issue.message}`;
}
