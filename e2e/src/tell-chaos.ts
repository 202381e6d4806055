import { randomUUID } from "node:crypto";
import type { Bus } from "@operator/bus/bus";

/** Sends a command to chaos as a person does: plain JSON without headers. */
export async function tellChaos({ link: { connection } }: Bus, command: Record<string, unknown>): Promise<void> {
  connection.publish("operator.chaos.commands", JSON.stringify(command));
  await connection.flush();
}

/** A fault whose end is far away: what makes it, and what takes it back. */
export function longFault(
  bus: Bus,
  given: { subject: string; fault: string; target: string; parameters?: Record<string, number> },
) {
  const id = `${given.fault}-${randomUUID().slice(0, 8)}`;
  return {
    begin: () => tellChaos(bus, { parameters: {}, ...given, id, ttlMs: 600_000 }),
    end: () => tellChaos(bus, { revert: id }),
  };
}
