import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { ReadTool } from "./read-tool.ts";
import type { RoomFiles } from "./room.ts";

const rooms = join(import.meta.dirname, "..", "..", "..", "subjects");

/** The subjects that there are rooms for. */
export function roomNames(): string[] {
  return readdirSync(rooms, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && existsSync(join(rooms, entry.name, "state.ts")))
    .map((entry) => entry.name)
    .sort();
}

/** Does a room have this file? Some it may leave out. */
export function hasFile(subject: string, file: keyof RoomFiles): boolean {
  return existsSync(join(rooms, subject, `${file}.ts`));
}

/** One file of a room, so that a service loads only what it needs. Throws, with the rooms that there are, when there's none of that name. */
export async function loadRoom<File extends keyof RoomFiles>(subject: string, file: File): Promise<RoomFiles[File]> {
  if (!roomNames().includes(subject)) {
    throw new Error(`no room for the subject "${subject}": subjects/ has ${roomNames().join(", ") || "none"}`);
  }
  // A room's file is found by name at run time; the shared exam checks that it exports what `RoomFiles` says.
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion
  return (await import(pathToFileURL(join(rooms, subject, `${file}.ts`)).href)) as RoomFiles[File];
}

/** The read tools of a room: none where it has no `observations.ts`. Throws when there is no such room. */
export async function loadReadTools(subject: string): Promise<readonly ReadTool[]> {
  if (roomNames().includes(subject) && !hasFile(subject, "observations")) return [];
  return (await loadRoom(subject, "observations")).observations;
}
