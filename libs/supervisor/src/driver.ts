import type { Member } from "@operator/subject/fault";

/**
 * Who owns the members: processes of this host, or containers. It knows labelled members only; nothing else exists for
 * the supervisor. Each verb resolves when its effect is there and throws when it isn't; the supervisor calls one at a time
 * for a target, and only with a target and in a state that `members` says.
 */
export interface Driver {
  /** The members as they are now, read from the processes and not from what was asked of them. */
  members(): Promise<Member[]>;
  /** Ends it at once, paused or not, and resolves when it has ended. */
  kill(target: string): Promise<void>;
  /** Stops its clock: it keeps its ports and says nothing. */
  pause(target: string): Promise<void>;
  unpause(target: string): Promise<void>;
  /** Lets it end in order. */
  stop(target: string): Promise<void>;
  /** Starts it, and resolves when it's ready. Bounded: throws when it isn't in time. */
  start(target: string): Promise<void>;
  /** Absent where members have no networks of their own; else `members` says each member's. */
  readonly networks?: NetworkDriver;
}

/** Cuts members off networks, by the names that `members` says. */
export interface NetworkDriver {
  /** Takes the member off the network, whose name is then among its `cut`: nobody there hears it, and no connection is closed. */
  disconnect(target: string, network: string): Promise<void>;
  /** Takes it back to a network that it was cut off, under the names that it had there. */
  connect(target: string, network: string): Promise<void>;
}
