import { loadRoom } from "@operator/subject/load";
import { tools } from "@operator/subject/tools";
import type { Room } from "./diagnose.ts";

/** Rooms by subject, each loaded when its first job comes: only what a diagnosis needs of it, with the tools that every subject has. */
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
    loadRoom(subject, "actions"),
  ]);
  return { playbook, playbookName, topology, state, actions: [...actions, ...tools] };
}
