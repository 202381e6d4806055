import { openRoom, type Room } from "@operator/ground/room";

/** Rooms by subject, each loaded when its first job comes. */
export function createRooms(): (subject: string) => Promise<Room> {
  const rooms = new Map<string, Promise<Room>>();
  return (subject) => {
    const known = rooms.get(subject);
    if (known) return known;
    const room = openRoom(subject);
    rooms.set(subject, room);
    // A failure isn't kept: the room may be there the next time.
    room.catch(() => rooms.delete(subject));
    return room;
  };
}
