import { loadRoom } from "@operator/subject/load";
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
  const [{ playbook, playbookName }, { topology }, { state }] = await Promise.all([
    loadRoom(subject, "playbook"),
    loadRoom(subject, "topology"),
    loadRoom(subject, "state"),
  ]);
  return { playbook, playbookName, topology, state };
}
