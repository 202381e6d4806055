import type { Action } from "@operator/subject/action";
import { loadRoom } from "@operator/subject/load";
import type { StateParts } from "@operator/subject/state";
import { tools } from "@operator/subject/tools";

/** What of a room acting needs. */
export interface ActingRoom {
  /** The room's own and the tools that every subject has, by name. */
  actions: Map<string, Action<never>>;
  state: StateParts;
}

/** Rooms as they're asked for, each loaded once. Throws when there's none. */
export function actingRooms(): (subject: string) => Promise<ActingRoom> {
  const rooms = new Map<string, Promise<ActingRoom>>();
  return (subject) => {
    const room = rooms.get(subject) ?? load(subject);
    rooms.set(subject, room);
    room.catch(() => rooms.delete(subject));
    return room;
  };
}

async function load(subject: string): Promise<ActingRoom> {
  const [{ actions }, { state }] = await Promise.all([loadRoom(subject, "actions"), loadRoom(subject, "state")]);
  return { actions: new Map([...actions, ...tools].map((action) => [action.name, action])), state };
}
