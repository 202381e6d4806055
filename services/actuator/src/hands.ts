import type { ActionHands } from "@operator/subject/action";
import { actuatorClient } from "@operator/supervisor/client";

/** What an action is lent: the room's environment, and the supervisor's `start` where there's one. */
export function handsOf(
  environment: Record<string, string | undefined>,
  socketPath: string | undefined,
): ActionHands & AsyncDisposable {
  const client = socketPath === undefined ? undefined : actuatorClient(socketPath);
  return {
    environment,
    start: async (target, signal) => {
      if (!client) throw new Error("no OPERATOR_SUPERVISOR_SOCKET: nothing can be started");
      await client.start(target, signal);
    },
    [Symbol.asyncDispose]: async () => await client?.[Symbol.asyncDispose](),
  };
}
