import { loadRoom } from "@operator/subject/load";
import type { RoomFiles } from "@operator/subject/room";
import type { Room } from "./diagnose.ts";

/** Rooms by subject, each loaded when its first job comes: only what a diagnosis needs of it. */
export function createRooms(): (subject: string) => Promise<Room> {
  const rooms = new Map<string, Promise<Room>>();
  return (subject) => {
    const known = rooms.get(subject);
    if (known) return known;
    const room = open(subject);
    rooms.set(subject, room);
    // A failure isn't kept: the room may be there the next time.
    room.catch(() => rooms.delete(subject));
    return room;
  };
}

async function open(subject: string): Promise<Room> {
  const [{ playbook, playbookName }, { topology }, { state }, { actions }] = await Promise.all([
    loadRoom(subject, "playbook"),
    loadRoom(subject, "topology"),
    loadRoom(subject, "state"),
    loadRoom(subject, "actions").catch(noActions),
  ]);
  return { playbook, playbookName, topology, state, actions };
}

/** A room without actions has none to propose. Any other failure is one. */
function noActions(error: unknown): RoomFiles["actions"] {
  // Its own file is missing, not one that it imports.
  if (error instanceof Error && /^Cannot find module '[^']*\/actions\.ts'/.test(error.message)) return { actions: [] };
  throw error;
}
